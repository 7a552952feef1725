# Configuration of the lit tests; the build passes its paths in lit.site.cfg.py.
import os
import shutil
import lit.formats

config.name = "Lamina"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".lam", ".test"]
config.excludes = ["Inputs", "Fuzz", "Unit", "examples", "benchmark"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.lamina_build, "test", "lit")
for tool in ("LAMINA_PTXAS", "LAMINA_NVDISASM"):
    if tool in os.environ:
        config.environment[tool] = os.environ[tool]
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.lamina_build, "bin"), config.llvm_tools, config.environment["PATH"]])
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"  # nothing is written beside the tests
config.substitutions.append(("%root", config.lamina_source))
config.substitutions.append(("%cc", "cc"))
config.substitutions.append(("%build", config.lamina_build))
config.substitutions.append(("%status", "sh %s/Inputs/status.sh" % config.test_source_root))
config.substitutions.append(("%data", "%s/examples/data" % config.test_source_root))

# Kernels are executed by the emulator where it was built, as `tools/test` does.
if os.path.exists("%s/lib/liblamina_ptx_emulator.so" % config.lamina_build):
    config.available_features.add("ptx-emulator")

for folder in [os.environ.get("LAMINA_CUBLASLT_INCLUDE"), "/usr/local/cuda/include", "/usr/include"]:
    if folder and os.path.exists(os.path.join(folder, "cublasLt.h")):
        config.available_features.add("cublaslt-header")
        config.substitutions.append(("%cublaslt", folder))
        break

# Where it is absent, what needs it is reported as unsupported.
if os.environ.get("LAMINA_PTXAS") or shutil.which("ptxas"):
    config.available_features.add("ptxas")
if os.environ.get("LAMINA_NVDISASM") or shutil.which("nvdisasm"):
    config.available_features.add("nvdisasm")
