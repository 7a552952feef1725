//===- VectorizeTemplates.h - the ops that VectorizeTest draws --*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_VECTORIZETEMPLATES_H
#define LAMINA_TEST_UNIT_VECTORIZETEMPLATES_H

#include <vector>

namespace lamina::test {

/// A kind of op: sizes of its loops are drawn anew for every case.
struct Template {
  const char *name;
  /// One letter per loop: p parallel, r reduction.
  const char *loops;
  /// One per operand, outputs last: element type and results, such as
  /// "f32 d0 d1+d2"; "f32 scalar" passes a value.
  std::vector<const char *> operands;
  unsigned outputs;
  /// The region's text; %0, %1, … are its arguments.
  const char *body;
  /// Sums may be taken in another order.
  bool isSum = false;
};

inline const Template kTemplates[] = {
    {"square",
     "p",
     {"f32 d0", "f32 d0"},
     1,
     "%m = arith.mulf %0, %0 : f32\nlinalg.yield %m : f32"},
    {"add3",
     "ppp",
     {"f32 d0 d1 d2", "f32 d0 d1 d2", "f32 d0 d1 d2"},
     1,
     "%m = arith.addf %0, %1 : f32\nlinalg.yield %m : f32"},
    {"inplace",
     "pp",
     {"f64 d0 d1", "f64 d0 d1"},
     1,
     "%m = arith.subf %1, %0 : f64\nlinalg.yield %m : f64"},
    {"bias",
     "pp",
     {"f32 d0 d1", "f32 d1", "f32 d0", "f32 d0 d1"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.divf %m, %2 : f32\n"
     "linalg.yield %s : f32"},
    {"transpose", "pp", {"f32 d1 d0", "f32 d0 d1"}, 1, "linalg.yield %0 : f32"},
    {"turned",
     "ppp",
     {"f32 d0 d2 d1", "f16 d2 d1", "f32 d0 d1 d2", "f32 d0 d1 d2"},
     1,
     "%h = arith.extf %1 : f16 to f32\n%a = arith.addf %0, %h : f32\n"
     "%m = arith.mulf %a, %2 : f32\nlinalg.yield %m : f32"},
    {"turnedbytes",
     "pp",
     {"i8 d1 d0", "i8 d0 d1", "i8 d0 d1"},
     1,
     "%a = arith.addi %0, %1 : i8\nlinalg.yield %a : i8"},
    {"permute",
     "ppp",
     {"f32 d2 d0 d1", "f32 d1 d0 d2"},
     1,
     "linalg.yield %0 : f32"},
    {"bytes",
     "pp",
     {"i8 d0 d1", "i8 d1", "i8 d0 d1"},
     1,
     "%m = arith.addi %0, %1 : i8\nlinalg.yield %m : i8"},
    {"mixed",
     "pp",
     {"f32 d0 d1", "i8 d0 d1", "f64 d0 d1", "f32 d0 d1"},
     2,
     "%z = arith.constant 0 : i8\n%c = arith.cmpi sgt, %1, %z : i8\n"
     "%n = arith.negf %0 : f32\n%s = arith.select %c, %0, %n : f32\n"
     "%e = arith.extf %0 : f32 to f64\nlinalg.yield %e, %s : f64, f32"},
    {"compare",
     "pp",
     {"i32 d0 d1", "i32 d0", "i8 d0 d1"},
     1,
     "%c = arith.cmpi slt, %0, %1 : i32\n%b = arith.extui %c : i1 to i8\n"
     "linalg.yield %b : i8"},
    {"divide",
     "pp",
     {"i32 d0 d1", "i32 d0 d1", "i32 d0 d1"},
     1,
     "%z = arith.constant 1 : i32\n%d = arith.ori %1, %z : i32\n"
     "%q = arith.divsi %0, %d : i32\nlinalg.yield %q : i32"},
    {"indices",
     "pp",
     {"i64 d0 d1"},
     1,
     "%i = linalg.index 0 : index\n%j = linalg.index 1 : index\n"
     "%h = arith.constant 100 : index\n%a = arith.muli %i, %h : index\n"
     "%s = arith.addi %a, %j : index\n"
     "%c = arith.index_cast %s : index to i64\nlinalg.yield %c : i64"},
    {"fill", "pp", {"f32 scalar", "f32 d0 d1"}, 1, "linalg.yield %0 : f32"},
    {"half",
     "p",
     {"f16 d0", "bf16 d0", "f16 d0"},
     1,
     "%a = arith.extf %0 : f16 to f32\n%b = arith.extf %1 : bf16 to f32\n"
     "%m = arith.mulf %a, %b : f32\n%t = arith.truncf %m : f32 to f16\n"
     "linalg.yield %t : f16"},
    {"rowsum",
     "pr",
     {"f32 d0 d1", "f32 d0"},
     1,
     "%s = arith.addf %1, %0 : f32\nlinalg.yield %s : f32",
     true},
    {"columnsum",
     "rp",
     {"f32 d0 d1", "f32 d1"},
     1,
     "%s = arith.addf %0, %1 : f32\nlinalg.yield %s : f32",
     true},
    {"fullsum",
     "rr",
     {"f64 d0 d1", "f64"},
     1,
     "%s = arith.addf %0, %1 : f64\nlinalg.yield %s : f64",
     true},
    {"middle",
     "prp",
     {"f32 d0 d1 d2", "f32 d0 d2"},
     1,
     "%s = arith.maximumf %0, %1 : f32\nlinalg.yield %s : f32"},
    {"outersum",
     "rpr",
     {"i32 d0 d1 d2", "i32 d1"},
     1,
     "%s = arith.addi %0, %1 : i32\nlinalg.yield %s : i32"},
    {"rowmin",
     "pr",
     {"i8 d0 d1", "i8 d0"},
     1,
     "%s = arith.minui %0, %1 : i8\nlinalg.yield %s : i8"},
    {"norm",
     "pr",
     {"f32 d0 d1", "f32 d0", "f32 d0"},
     1,
     "%d = arith.subf %0, %1 : f32\n%q = arith.mulf %d, %d : f32\n"
     "%s = arith.addf %2, %q : f32\nlinalg.yield %s : f32",
     true},
    {"twosums",
     "pr",
     {"f32 d0 d1", "f32 d0", "f32 d0"},
     2,
     "%s = arith.addf %0, %1 : f32\n%m = arith.minimumf %0, %2 : f32\n"
     "linalg.yield %s, %m : f32, f32",
     true},
    {"sumandstore",
     "pr",
     {"f32 d0 d1", "f32 d0", "f32 d0 d1"},
     2,
     "%q = arith.mulf %0, %0 : f32\n%s = arith.addf %q, %1 : f32\n"
     "linalg.yield %s, %q : f32, f32",
     true},
    {"remainders",
     "pr",
     {"i32 d0 d1", "i32 d0"},
     1,
     "%c = arith.constant 7 : i32\n%q = arith.divsi %c, %0 : i32\n"
     "%s = arith.addi %q, %1 : i32\nlinalg.yield %s : i32"},
    {"argmax",
     "pr",
     {"f32 d0 d1", "f32 d0", "i64 d0"},
     2,
     "%i = linalg.index 1 : index\n%j = arith.index_cast %i : index to i64\n"
     "%c = arith.cmpf ogt, %0, %1 : f32\n"
     "%v = arith.select %c, %0, %1 : f32\n%k = arith.select %c, %j, %2 : i64\n"
     "linalg.yield %v, %k : f32, i64"},
    {"matmul",
     "ppr",
     {"f32 d0 d2", "f32 d2 d1", "f32 d0 d1"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"matmul_ta",
     "ppr",
     {"f32 d2 d0", "f32 d2 d1", "f32 d0 d1"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %m, %2 : f32\n"
     "linalg.yield %s : f32",
     true},
    {"matmul_tb",
     "ppr",
     {"f32 d0 d2", "f32 d1 d2", "f32 d0 d1"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"matmul_tab",
     "ppr",
     {"f64 d2 d0", "f64 d1 d2", "f64 d0 d1"},
     1,
     "%m = arith.mulf %0, %1 : f64\n%s = arith.addf %2, %m : f64\n"
     "linalg.yield %s : f64",
     true},
    {"matmul_tc",
     "ppr",
     {"f32 d0 d2", "f32 d2 d1", "f32 d1 d0"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"batch",
     "pppr",
     {"f32 d0 d1 d3", "f32 d0 d3 d2", "f32 d0 d1 d2"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"tensordot",
     "pprr",
     {"f32 d0 d2 d3", "f32 d2 d3 d1", "f32 d0 d1"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"gemv",
     "pr",
     {"f32 d0 d1", "f32 d1", "f32 d0"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"integers",
     "ppr",
     {"i8 d0 d2", "i8 d2 d1", "i32 d0 d1"},
     1,
     "%a = arith.extsi %0 : i8 to i32\n%b = arith.extsi %1 : i8 to i32\n"
     "%m = arith.muli %a, %b : i32\n%s = arith.addi %2, %m : i32\n"
     "linalg.yield %s : i32"},
    {"halves",
     "ppr",
     {"f16 d0 d2", "bf16 d2 d1", "f32 d0 d1"},
     1,
     "%a = arith.extf %0 : f16 to f32\n%b = arith.extf %1 : bf16 to f32\n"
     "%m = arith.mulf %a, %b : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"conv",
     "pprr",
     {"f32 d0+d2 d3", "f32 d2 d3 d1", "f32 d0 d1"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"convw",
     "pr",
     {"f32 d0+d1", "f32 d1", "f32 d0"},
     1,
     "%m = arith.mulf %0, %1 : f32\n%s = arith.addf %2, %m : f32\n"
     "linalg.yield %s : f32",
     true},
    {"pool",
     "prp",
     {"f32 d0+d0+d1 d2", "f32 d1", "f32 d0 d2"},
     1,
     "%s = arith.maximumf %2, %0 : f32\nlinalg.yield %s : f32"},
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_VECTORIZETEMPLATES_H
