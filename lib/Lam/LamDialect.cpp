//===- LamDialect.cpp - the lam dialect -----------------------------------===//
#include "lamina/Lam/Lam.h"
