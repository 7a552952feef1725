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
if "LAMINA_PTXAS" in os.environ:
    config.environment["LAMINA_PTXAS"] = os.environ["LAMINA_PTXAS"]
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

# Where it is absent, what needs it is reported as unsupported.
if os.environ.get("LAMINA_PTXAS") or shutil.which("ptxas"):
    config.available_features.add("ptxas")
