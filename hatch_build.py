"""Build hook: puts the native kernel into the wheel, or makes a pure one where there is no compiler."""

from __future__ import annotations

import os
import runpy
import shutil
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Of wheels alone: what is built for an editable install stays beside its sources."""

    def dependencies(self) -> list[str]:
        return ["ziglang"] if os.environ.get("NORMCLI_CC") == "zig" else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        folder = Path(self.root) / "normcli" / "kernel"
        kernel = runpy.run_path(str(folder / "build.py"))
        target = (folder if version == "editable" else self._scratch()) / kernel["LIBRARY"]
        try:
            command = kernel["build"](target, folder)
        except kernel["NoKernelError"] as e:
            kernel["remove"](target.parent)
            self.app.display_warning(f"No native kernel was built, and text is read and written without it: {e}")
            return
        general = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{kernel['platform'](target, general)}"
        if version != "editable":
            for name in (kernel["LIBRARY"], kernel["RECORD"]):
                build_data["force_include"][str(target.with_name(name))] = f"normcli/kernel/{name}"
        self.app.display_info(f"The native kernel was built by {command}.")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        shutil.rmtree(self._scratch())

    def _scratch(self) -> Path:
        """A folder that is empty but for the library of a wheel under way."""
        path = Path(self.root) / "build" / "kernel"
        path.mkdir(parents=True, exist_ok=True)
        return path
