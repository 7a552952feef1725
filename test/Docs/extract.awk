# Writes every fenced block of a Markdown file to DIR/NUMBER.LANGUAGE (`text` if it has none).
# Usage: awk -v dir=DIR -f extract.awk FILE.md
/^```/ {
  if (file) {
    close(file)
    file = ""
  } else {
    language = substr($0, 4)
    file = dir "/" ++blocks "." (language == "" ? "text" : language)
    printf "" > file
  }
  next
}
file { print > file }
