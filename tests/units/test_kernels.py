"""Kernels: cached machine code is never stale, and without a compiler they run on plain integers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidemill.units.kernels import import_closure

SOURCE = Path(__file__).parents[2] / "src"


def run(folder: Path, code: str, **environment: str) -> str:
    env = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{SOURCE}",
        "TIDEMILL_CACHE": str(folder / "cache"),
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **environment,
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "a.py").write_text("from numba import njit\n@njit\ndef f():\n    return 1\n")
    (tmp_path / "shop" / "plain.py").write_text(
        "from numba import njit\nfrom shop.a import f\n@njit(cache=True)\ndef g():\n    return f()\n"
    )
    (tmp_path / "shop" / "kept.py").write_text(
        "from tidemill.units.kernels import kernel\nfrom shop.a import f\n"
        "@kernel('int64()')\ndef g():\n    return f()\n"
    )
    return tmp_path


def test_editing_an_imported_module_never_yields_stale_machine_code(package):
    plain, ours = "import shop.plain as m; print(m.g())", "import shop.kept as m; print(m.g())"
    assert (run(package, plain), run(package, ours)) == ("1", "1")
    (package / "shop" / "a.py").write_text("from numba import njit\n@njit\ndef f():\n    return 2\n")
    assert run(package, plain) == "1", "numba's own cache has become safe: the locator may go"
    assert run(package, ours) == "2"
    hits = "import shop.kept as m; print(m.g(), sum(m.g.stats.cache_hits.values()))"
    assert run(package, hits) == "2 1"
    assert len(list((package / "cache" / "kernels").glob("shop.kept-*"))) == 2


def test_portable_division_has_machine_code_of_its_own(package):
    code = "import shop.kept as m; print(m.g(), sum(m.g.stats.cache_hits.values()))"
    assert run(package, code) == "1 0"
    assert run(package, code, TIDEMILL_PORTABLE="1") == "1 0"
    assert run(package, code, TIDEMILL_PORTABLE="1") == "1 1"


def test_import_closure_follows_relative_imports_packages_and_functions(package):
    (package / "shop" / "deep.py").write_text("def late():\n    from . import kept\n    return kept\n")
    (package / "shop" / "unused.py").write_text("")
    closure = import_closure(package / "shop" / "deep.py")
    names = {path.relative_to(package).as_posix() for path in closure if path.is_relative_to(package)}
    assert names == {"shop/__init__.py", "shop/a.py", "shop/deep.py", "shop/kept.py"}
    assert SOURCE / "tidemill/units/kernels.py" in closure


def test_what_never_runs_for_a_kernel_is_not_in_its_closure(package):
    """What a package above gives on access only, and what a type checker imports; named itself, the package counts whole."""
    shop = package / "shop"
    late = "def __getattr__(name):\n    if name == 'f':\n        from shop.a import f\n\n        return f\n"
    late += "    raise AttributeError\n"
    (shop / "__init__.py").write_text(f"from shop.plain import g\n\n\n{late}\n\nfrom shop.last import h\n")
    for name in ("plain", "last", "far", "typed", "other"):
        (shop / f"{name}.py").write_text("")
    typed = "if TYPE_CHECKING:\n    from shop.typed import T\nelse:\n    from shop.other import T\n"
    (shop / "far.py").write_text(f"from typing import TYPE_CHECKING\nfrom shop.last import h\n{typed}")

    def names(file: str) -> set[str]:
        return {path.name for path in import_closure(shop / file) if path.is_relative_to(package)}

    assert names("far.py") == {"far.py", "__init__.py", "plain.py", "last.py", "other.py"}
    for line in ("import shop", "import shop.last", "from shop import f", "from . import f"):
        (shop / "asks.py").write_text(f"def late():\n    {line}\n")
        assert names("asks.py") == {"asks.py", "__init__.py", "plain.py", "last.py", "a.py"}, line


def test_kernels_hang_on_few_of_our_own_modules():
    """An edit elsewhere compiles nothing anew, and a start reads little."""
    for name in ("venues/uniswap_v3/accrual.py", "market/bar_paths.py"):
        closure = import_closure(SOURCE / "tidemill" / name)
        assert {path.relative_to(SOURCE / "tidemill").parts[0] for path in closure} <= {
            "__init__.py", "errors.py", "units", name.split("/")[0],
        }  # fmt: skip


KERNEL = """
import numpy as np
from tidemill.units import Uint, mul_div_up, rule
from tidemill.units.jit import load256, pack, store256, unpack
from tidemill.units.kernels import kernel, is_jit

@rule
def fee(amount: Uint, left: Uint) -> Uint:
    return mul_div_up(amount, 3_000_000, 997_000) + left

@kernel
def run(amounts, out):
    reverted = 0
    for i in range(amounts.shape[0]):
        try:
            store256(out, i, fee(load256(amounts, i), 7))
        except Exception:
            reverted += 1
    return reverted
"""


def test_kernels_give_the_same_without_a_compiler(tmp_path):
    (tmp_path / "shop.py").write_text(KERNEL)
    code = (
        "import shop\n"
        "a = shop.pack([0, 1, 10**18, 2**255, 2**256 - 1, 2**256 // 2])\n"
        "o = 0 * a\n"
        "print(shop.run(a, o), shop.unpack(o), hasattr(shop.run, 'py_func'))"
    )
    compiled, plain = run(tmp_path, code), run(tmp_path, code, TIDEMILL_JIT="0")
    assert compiled.endswith("True")
    assert plain.endswith("False")
    assert compiled.removesuffix("True") == plain.removesuffix("False")
    assert plain.startswith("3 [")  # 1.5, 3 and 1.5 times 2**256 do not fit
    assert str(-(-(10**18) * 3_000_000 // 997_000) + 7) in plain


@pytest.mark.parametrize("light", ["tidemill.units", "tidemill.units.kernels", "tidemill.units.testing"])
def test_light_modules_import_no_compiler(light):
    code = f"import sys, {light}; print([m for m in ('numba', 'numpy', 'llvmlite') if m in sys.modules])"
    assert run(Path.cwd(), code) == "[]"


def test_a_kernel_loads_no_linear_algebra_and_hides_none(tmp_path):
    """numba would load SciPy's with the first kernel; whoever multiplies matrices still gets it."""
    (tmp_path / "one.py").write_text(
        "from tidemill.units.kernels import kernel\n@kernel('int64(int64)')\ndef f(n):\n    return n + 1\n"
    )
    (tmp_path / "both.py").write_text(
        "import sys, one\nimport numpy as np\nfrom numba import njit\n"
        "print(one.f(1), 'scipy.linalg' in sys.modules)\n"
        "@njit\ndef product(a):\n    return np.dot(a, a)[0, 0]\n"
        "print(product(np.eye(2) * 2.0), 'scipy.linalg' in sys.modules)\n"
    )
    pytest.importorskip("scipy")
    assert run(tmp_path, "import both").splitlines() == ["2 False", "4.0 True"]
