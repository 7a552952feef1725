//===- ExportTest.cpp - what is in exported files -------------------------===//

#include "lamina/Export/Export.h"
#include "ModelProgram.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace lamina;
using namespace mlir;

namespace {

//===----------------------------------------------------------------------===//
// Protocol buffers, read back
//===----------------------------------------------------------------------===//

struct Field {
  unsigned number;
  uint64_t value;  // of an integer
  StringRef bytes; // of anything else
};

uint64_t varint(StringRef &text) {
  uint64_t value = 0;
  for (unsigned shift = 0; !text.empty(); shift += 7) {
    uint8_t byte = text.front();
    text = text.drop_front();
    value |= uint64_t(byte & 127) << shift;
    if (byte < 128)
      break;
  }
  return value;
}

std::vector<Field> fieldsOf(StringRef text) {
  std::vector<Field> fields;
  while (!text.empty()) {
    uint64_t tag = varint(text), size = 0;
    Field field{unsigned(tag >> 3), 0, {}};
    switch (tag & 7) {
    case 0:
      field.value = varint(text);
      break;
    case 2:
      size = varint(text);
      break;
    case 5:
      size = 4;
      break;
    default:
      ADD_FAILURE() << "wire type " << (tag & 7);
      return fields;
    }
    EXPECT_LE(size, text.size()) << "a field ends behind its message";
    field.bytes = text.take_front(size);
    text = text.drop_front(std::min<size_t>(size, text.size()));
    fields.push_back(field);
  }
  return fields;
}

std::vector<StringRef> all(StringRef message, unsigned number) {
  std::vector<StringRef> result;
  for (const Field &field : fieldsOf(message))
    if (field.number == number)
      result.push_back(field.bytes);
  return result;
}

StringRef one(StringRef message, unsigned number) {
  std::vector<StringRef> found = all(message, number);
  EXPECT_EQ(found.size(), 1u) << "field " << number;
  return found.empty() ? "" : found.front();
}

//===----------------------------------------------------------------------===//
// Exporting
//===----------------------------------------------------------------------===//

/// The bytes of the file, or the messages behind "error: ".
std::string exported(StringRef program, bool isKeras = false) {
  ModelProgram parsed(program);
  if (!parsed.ok())
    return "error: " + parsed.messages();
  ModuleOp module = parsed.module();
  std::string messages;
  ScopedDiagnosticHandler handler(
      module.getContext(), [&](mlir::Diagnostic &diag) {
        messages += "error: " + diag.str() + "\n";
        for (mlir::Diagnostic &note : diag.getNotes())
          messages += "note: " + note.str() + "\n";
        return success();
      });
  rememberLayers(module);
  if (isKeras)
    keepKerasLayers(module);
  PassManager pm(module.getContext());
  pm.addPass(createConvertModelToLam());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLamDifferentiate());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (failed(pm.run(module)))
    return messages;
  FailureOr<std::string> file =
      isKeras ? exportKeras(module) : exportOnnx(module);
  return succeeded(file) ? *file : messages;
}

/// Checks that names are defined once, before they are used, in a graph and
/// those inside it; gives the operators.
std::vector<std::string> checkGraph(StringRef graph, llvm::StringSet<> known) {
  std::vector<std::string> operators;
  auto define = [&](StringRef name) {
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(known.insert(name).second) << name.str() << " is defined twice";
  };
  for (StringRef input : all(graph, 11))
    define(one(input, 1));
  for (StringRef tensor : all(graph, 5))
    define(one(tensor, 8));
  for (StringRef node : all(graph, 1)) {
    std::string type = one(node, 4).str();
    operators.push_back(type);
    for (StringRef input : all(node, 1))
      EXPECT_TRUE(input.empty() || known.contains(input))
          << type << " reads " << input.str() << " before it is there";
    for (StringRef attribute : all(node, 5))
      for (StringRef inner : all(attribute, 6))
        for (std::string &name : checkGraph(inner, known))
          operators.push_back(std::move(name));
    for (StringRef output : all(node, 2))
      define(output);
  }
  for (StringRef output : all(graph, 12))
    EXPECT_TRUE(known.contains(one(output, 1))) << one(output, 1).str();
  return operators;
}

std::vector<std::string> operatorsOf(StringRef program) {
  std::string file = exported(program);
  if (StringRef(file).starts_with("error")) {
    ADD_FAILURE() << file << program.str();
    return {};
  }
  return checkGraph(one(file, 7), {});
}

bool has(ArrayRef<std::string> operators, StringRef name) {
  return llvm::is_contained(operators, name);
}

} // namespace

TEST(OnnxExport, modelAndItsNames) {
  std::string file = exported(
      "x = Input((4,), name='x')\n"
      "h = Dense(3, name='hidden')(x)\n"
      "model = Model(x, Lambda(lambda t: tanh(t) * 2.0, name='twice')(h))\n");
  ASSERT_FALSE(StringRef(file).starts_with("error")) << file;
  for (const Field &field : fieldsOf(file)) {
    if (field.number == 1) {
      EXPECT_EQ(field.value, 8u); // the format that opset 18 came with
    }
    if (field.number == 8) {
      EXPECT_EQ(fieldsOf(field.bytes).back().value, 18u);
    }
  }
  StringRef graph = one(file, 7);
  checkGraph(graph, {});
  // x: float32[n, 4]
  StringRef type = one(one(one(graph, 11), 2), 1);
  EXPECT_EQ(one(graph, 11).find("x"), 2u);
  EXPECT_EQ(fieldsOf(type).front().value, 1u);
  std::vector<StringRef> dims = all(one(type, 2), 1);
  ASSERT_EQ(dims.size(), 2u);
  EXPECT_EQ(one(dims[0], 2), "n");
  EXPECT_EQ(fieldsOf(dims[1]).front().value, 4u);
  llvm::StringSet<> weights, nodes;
  for (StringRef tensor : all(graph, 5)) {
    weights.insert(one(tensor, 8));
    if (one(tensor, 8) == "hidden/kernel") {
      EXPECT_EQ(one(tensor, 9).size(), 4u * 3 * sizeof(float));
    }
  }
  EXPECT_TRUE(weights.contains("hidden/kernel"));
  EXPECT_TRUE(weights.contains("hidden/bias"));
  for (StringRef node : all(graph, 1))
    nodes.insert(one(node, 3));
  EXPECT_TRUE(nodes.contains("hidden/MatMul"));
  EXPECT_TRUE(nodes.contains("twice/Tanh"));
}

/// One program for each way to write an operation.
TEST(OnnxExport, operators) {
  auto of = [](StringRef body, StringRef shape = "(4, 6)") {
    return operatorsOf(("model = Sequential([Input(" + shape +
                        "), Lambda(lambda x: " + body + ")])\n")
                           .str());
  };
  EXPECT_TRUE(has(of("where(x > 0, x, -x)"), "Where"));
  EXPECT_TRUE(
      has(of("expm1(x) + log1p(x) + rsqrt(x) + atan2(x, x + 1)"), "Atan"));
  EXPECT_TRUE(has(of("x[:, ::-1, 1:5:2]"), "Slice"));
  EXPECT_TRUE(has(of("reshape(x, (-1, 24))"), "Reshape"));
  EXPECT_TRUE(has(of("cumsum(x, axis=1)"), "CumSum"));
  EXPECT_TRUE(has(of("keras.ops.cumprod(x, axis=1)"), "ReduceProd"));
  EXPECT_TRUE(has(of("sort(x, axis=-1)"), "TopK"));
  EXPECT_TRUE(has(of("argmax(x, axis=-1)"), "ArgMax"));
  EXPECT_TRUE(has(of("einsum('bij,bkj->bik', x, x)"), "MatMul"));
  EXPECT_TRUE(has(of("einsum('bij,bkj->bikj', x, x)"), "Mul") ||
              has(of("einsum('bij,bkj->bikj', x, x)"), "Einsum"));
  EXPECT_TRUE(has(of("take(x, [2, 0], axis=2)"), "Gather"));
  EXPECT_TRUE(has(of("pad(x, ((0, 0), (1, 2), (0, 0)))"), "Pad"));
  EXPECT_TRUE(has(of("concatenate([x, x * 2], axis=1)"), "Concat"));
  EXPECT_TRUE(has(of("max_pool(x, 2)"), "MaxPool"));
  EXPECT_TRUE(has(of("fori_loop(0, 3, lambda i, v: v * 2, x)"), "Loop"));
  EXPECT_TRUE(has(of("grad(lambda t: tanh(t))(x)"), "Tanh"));
  std::vector<std::string> loops =
      operatorsOf("model = Sequential([Input((None, 3)), LSTM(4, "
                  "return_sequences=True)])\n");
  EXPECT_TRUE(has(loops, "Loop"));
  EXPECT_TRUE(has(loops, "Sigmoid")); // in the loop's body
  EXPECT_TRUE(
      has(operatorsOf("model = Sequential([Input((8, 8, 3)), Conv2D(4, 3)])\n"),
          "Conv"));
}

TEST(OnnxExport, listsWhatItCannotWrite) {
  std::string text =
      exported("model = Sequential([Input((4,)), Lambda(lambda x: x + "
               "keras.random.normal((4,)), name='noise'), Lambda(lambda x: x * "
               "keras.random.uniform((4,)), name='more')])\n");
  EXPECT_NE(text.find("error: ONNX has no operation for random numbers"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("(layer 'noise')"), std::string::npos) << text;
  EXPECT_NE(text.find("note: nor for random numbers"), std::string::npos)
      << text;
}

TEST(KerasExport, sameBytesAndNoLambda) {
  const char *program =
      "x = Input((4,), name='x')\n"
      "s = Variable([1.0, 2.0, 3.0], name='scale')\n"
      "shared = Dense(3, activation='relu', name='shared')\n"
      "y = Lambda(lambda t: t * s, name='scaled')(shared(x))\n"
      "model = Model(x, [y, shared(x * 2)])\n";
  std::string file = exported(program, /*isKeras=*/true);
  ASSERT_TRUE(StringRef(file).starts_with("PK")) << file;
  EXPECT_EQ(file, exported(program, /*isKeras=*/true));
  // The members are stored, not compressed.
  EXPECT_EQ(file.find("\"Lambda\""), std::string::npos);
  for (const char *part : {"\"Dense\"", "\"scaled_multiply\"", "\"scale\"",
                           "\"Embedding\"", "model.weights.h5", "\x89HDF"})
    EXPECT_NE(file.find(part), std::string::npos) << part;
}

TEST(KerasExport, listsWhatItCannotWrite) {
  std::string text = exported(
      "model = Sequential([Input((4,)), Lambda(lambda x: fori_loop(0, 3, "
      "lambda i, v: v * 2, x), name='loop'), Lambda(lambda x: x + "
      "keras.random.normal((4,)), name='noise')])\n",
      /*isKeras=*/true);
  EXPECT_NE(text.find("error: Keras has no operation for"), std::string::npos)
      << text;
  EXPECT_NE(text.find("(layer 'noise')"), std::string::npos) << text;
}
