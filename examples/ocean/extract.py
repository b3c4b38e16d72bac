"""Take the artifacts that the binding needs out of the published package: npm ci, then python extract.py.

Each is cut down to its name, ABI and bytecode; `package.json` in artifacts/ says which version they are from.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE / "node_modules" / "@oceanprotocol" / "contracts"
SOURCES = (
    "ERC721Factory", "templates/ERC721Template", "templates/ERC20Template", "pools/FactoryRouter",
    "pools/fixedRate/FixedRateExchange", "pools/dispenser/Dispenser", "pools/balancer/BPool", "escrow/Escrow",
    "communityFee/OPFCommunityFeeCollector", "utils/OceanToken",
)  # fmt: skip


def artifacts() -> dict[str, str]:
    """Return what belongs in artifacts/, by the name of the file."""
    files = {}
    for source in SOURCES:
        name = source.rpartition("/")[2]
        whole = json.loads((PACKAGE / "artifacts" / "contracts" / f"{source}.sol" / f"{name}.json").read_text())
        files[f"{name}.json"] = _text({key: whole[key] for key in ("contractName", "abi", "bytecode")})
    said = json.loads((PACKAGE / "package.json").read_text())
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]["node_modules/@oceanprotocol/contracts"]
    origin = {key: said[key] for key in ("name", "version", "license", "author", "repository")}
    files["package.json"] = _text(origin | {"integrity": locked["integrity"], "files": sorted(files)})
    return files


def _text(document: dict[str, object]) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    for file, text in artifacts().items():
        (HERE / "artifacts" / file).write_text(text)
