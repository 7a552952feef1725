//===- Diagnostics.cpp - collecting and printing messages -----------------===//

#include "lamina/Frontend/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Unicode.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;

namespace lamina {

Diagnostics::Diagnostics() = default;

Diagnostics::~Diagnostics() {
  for (Diagnostic *d : list)
    delete d;
}

unsigned Diagnostics::addBuffer(StringRef text, StringRef name) {
  return sourceMgr.AddNewSourceBuffer(
      MemoryBuffer::getMemBufferCopy(text, name), SMLoc());
}

static bool sameRange(SMRange a, SMRange b) {
  return a.Start == b.Start && a.End == b.End;
}

/// The diagnostic of `list` that says the same about the same place, or null.
static Diagnostic *findSame(ArrayRef<Diagnostic *> list, const Diagnostic &d) {
  for (Diagnostic *other : list)
    if (other->severity == d.severity && sameRange(other->range, d.range) &&
        other->message == d.message && other->file == d.file)
      return other;
  return nullptr;
}

Diagnostic &Diagnostic::note(const Twine &text, SMRange at) {
  Diagnostic added{Severity::Note, text.str(), at, {}, {}};
  // An error that is reported again brings its notes again.
  if (none_of(notes, [&](const Diagnostic &n) {
        return n.message == added.message && sameRange(n.range, at);
      }))
    notes.push_back(std::move(added));
  return *this;
}

Diagnostic &Diagnostics::error(SMRange range, const Twine &message) {
  Diagnostic made{Severity::Error, message.str(), range, {}, {}};
  if (Diagnostic *same = findSame(list, made))
    return *same;
  ++errorCount;
  return *list.emplace_back(new Diagnostic(std::move(made)));
}

Diagnostic &Diagnostics::warning(SMRange range, const Twine &message) {
  Diagnostic made{Severity::Warning, message.str(), range, {}, {}};
  if (Diagnostic *same = findSame(list, made))
    return *same;
  return *list.emplace_back(new Diagnostic(std::move(made)));
}

Diagnostic &Diagnostics::remark(SMRange range, const Twine &message) {
  // Not deduplicated: a `print` in a loop may well say the same thing twice.
  return *list.emplace_back(
      new Diagnostic{Severity::Note, message.str(), range, {}, {}});
}

Diagnostic &Diagnostics::errorInFile(StringRef file, const Twine &message) {
  Diagnostic made{Severity::Error, message.str(), {}, file.str(), {}};
  if (Diagnostic *same = findSame(list, made))
    return *same;
  ++errorCount;
  return *list.emplace_back(new Diagnostic(std::move(made)));
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static bool hasPlace(const SourceMgr &sources, const Diagnostic &d) {
  return d.range.Start.isValid() &&
         sources.FindBufferContainingLoc(d.range.Start) != 0;
}

/// The columns that `text` takes on a terminal, tabs going to multiples of 8.
static size_t columnsOf(StringRef text, size_t from = 0) {
  size_t column = from;
  while (!text.empty()) {
    if (text.consume_front("\t")) {
      column = (column / 8 + 1) * 8;
      continue;
    }
    StringRef run = text.take_until([](char c) { return c == '\t'; });
    int width = sys::unicode::columnWidthUTF8(run);
    column += width < 0 ? run.size() : size_t(width);
    text = text.drop_front(run.size());
  }
  return column - from;
}

/// SMDiagnostic leaves the caret out on lines that are not ASCII; this writes
/// it.
static void printWideCaret(raw_ostream &os, const SMDiagnostic &message,
                           bool colour) {
  StringRef line = message.getLineContents();
  size_t first = message.getColumnNo(), last = first + 1;
  for (auto [from, to] : message.getRanges())
    if (from <= first && first < to)
      last = to;
  size_t before = columnsOf(line.take_front(first));
  size_t width = columnsOf(line.slice(first, last), before);
  std::string caret = std::string(before, ' ') + '^';
  if (width > 1)
    caret.append(width - 1, '~');
  WithColor(os, raw_ostream::GREEN, true, false,
            colour ? ColorMode::Auto : ColorMode::Disable)
      << caret;
  os << '\n';
}

/// Without what is far behind the place: a line of a module may hold megabytes
/// of weights.
static SMDiagnostic clipped(const SourceMgr &sources, SMLoc place,
                            const SMDiagnostic &message) {
  constexpr size_t behind = 300;
  StringRef line = message.getLineContents();
  size_t end = message.getColumnNo() + behind;
  if (line.size() <= end)
    return message;
  while ((line[end] & 0xC0) == 0x80) // inside a character
    --end;
  SmallVector<std::pair<unsigned, unsigned>> ranges;
  for (auto [from, to] : message.getRanges())
    ranges.push_back({from, std::min<unsigned>(to, end)});
  return SMDiagnostic(sources, place, message.getFilename(),
                      message.getLineNo(), message.getColumnNo(),
                      message.getKind(), message.getMessage(),
                      (line.take_front(end) + "…").str(), ranges);
}

static void printText(const SourceMgr &sources, const Diagnostic &d,
                      raw_ostream &os, bool colour) {
  SourceMgr::DiagKind kind = d.severity == Severity::Error ? SourceMgr::DK_Error
                             : d.severity == Severity::Warning
                                 ? SourceMgr::DK_Warning
                                 : SourceMgr::DK_Note;
  if (hasPlace(sources, d)) {
    SmallVector<SMRange, 1> ranges;
    if (d.range.isValid() && d.range.Start != d.range.End)
      ranges.push_back(d.range);
    SMDiagnostic message =
        clipped(sources, d.range.Start,
                sources.GetMessage(d.range.Start, kind, d.message, ranges));
    message.print(nullptr, os, colour);
    if (any_of(message.getLineContents(), [](char c) { return !isASCII(c); }))
      printWideCaret(os, message, colour);
  } else {
    SMDiagnostic(d.file, kind, d.message).print(nullptr, os, colour);
  }
  for (const Diagnostic &n : d.notes)
    printText(sources, n, os, colour);
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

/// Line and column count from 1, columns in bytes; the end is the place behind
/// the last character.
static json::Object toJSON(const SourceMgr &sources, const Diagnostic &d) {
  json::Object object;
  object["severity"] = d.severity == Severity::Error     ? "error"
                       : d.severity == Severity::Warning ? "warning"
                                                         : "note";
  object["message"] = json::fixUTF8(d.message);
  if (hasPlace(sources, d)) {
    unsigned buffer = sources.FindBufferContainingLoc(d.range.Start);
    object["file"] =
        json::fixUTF8(sources.getMemoryBuffer(buffer)->getBufferIdentifier());
    auto [line, column] = sources.getLineAndColumn(d.range.Start, buffer);
    object["line"] = line;
    object["column"] = column;
    if (d.range.End.isValid() &&
        sources.FindBufferContainingLoc(d.range.End) == buffer) {
      auto [endLine, endColumn] = sources.getLineAndColumn(d.range.End, buffer);
      object["endLine"] = endLine;
      object["endColumn"] = endColumn;
    }
  } else if (!d.file.empty()) {
    object["file"] = json::fixUTF8(d.file);
  }
  json::Array notes;
  for (const Diagnostic &n : d.notes)
    notes.push_back(toJSON(sources, n));
  object["notes"] = std::move(notes);
  return object;
}

namespace {
/// The caller has decided about colour, not LLVM's look at the stream.
class ColourAsAsked {
public:
  ColourAsAsked(raw_ostream &os, bool colour)
      : os(os), before(os.colors_enabled()) {
    os.enable_colors(colour);
    WithColor::setAutoDetectFunction(
        [](const raw_ostream &stream) { return stream.colors_enabled(); });
  }
  ~ColourAsAsked() {
    os.enable_colors(before);
    WithColor::setAutoDetectFunction(WithColor::defaultAutoDetectFunction());
  }

private:
  raw_ostream &os;
  bool before;
};
} // namespace

void Diagnostics::print(raw_ostream &os, Format format, bool colour) {
  ColourAsAsked asked(os, colour);
  for (; printed < list.size(); ++printed) {
    if (format == Format::JSON)
      os << json::Value(toJSON(sourceMgr, *list[printed])) << '\n';
    else
      printText(sourceMgr, *list[printed], os, colour);
  }
}

//===----------------------------------------------------------------------===//
// Suggestions
//===----------------------------------------------------------------------===//

/// Insertions, deletions, replacements and swaps of neighbours that make `b`
/// out of `a`.
static unsigned editDistance(StringRef a, StringRef b) {
  size_t columns = b.size() + 1;
  std::vector<unsigned> table((a.size() + 1) * columns);
  auto at = [&](size_t i, size_t j) -> unsigned & {
    return table[i * columns + j];
  };
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        at(i, j) = static_cast<unsigned>(i + j);
        continue;
      }
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1,
                           at(i - 1, j - 1) + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.size(), b.size());
}

std::optional<StringRef> didYouMean(StringRef name,
                                    ArrayRef<StringRef> candidates) {
  std::optional<StringRef> best;
  std::string lower = name.lower();
  // A third of the letters may be wrong, but not all of them: `x` is no
  // misspelt `y`.
  unsigned limit = (name.size() + 2) / 3;
  std::pair<unsigned, unsigned> bestDistance{limit + 1, 0};
  for (StringRef candidate : candidates) {
    if (candidate == name)
      continue;
    size_t difference = std::max(candidate.size(), name.size()) -
                        std::min(candidate.size(), name.size());
    if (difference > limit)
      continue;
    std::string candidateLower = candidate.lower();
    unsigned folded = editDistance(lower, candidateLower);
    if (folded > limit || (folded && folded >= name.size()))
      continue;
    std::pair<unsigned, unsigned> distance{folded,
                                           name.edit_distance(candidate)};
    if (distance < bestDistance || !best) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

} // namespace lamina
