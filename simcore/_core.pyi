# The C extension as core.py sees it: cffi makes both names when it is built (native/build.py).
from typing import Any

ffi: Any
lib: Any
