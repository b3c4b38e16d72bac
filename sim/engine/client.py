"""A web3.py client of an eth-tester chain, whose defaults work as they do with a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_tester import EthereumTester
from web3 import EthereumTesterProvider, Web3
from web3.providers.eth_tester.defaults import API_ENDPOINTS

from slashpoint.sim.engine.backend import TIP

if TYPE_CHECKING:
    from collections.abc import Callable

    from slashpoint.sim.engine.backend import Backend

    Endpoint = Callable[[EthereumTester, Any], Any]


def client(backend: Backend, chain_id: int) -> Web3:
    """Return a client of the chain below `backend`; what it sends is mined at once, in a block after the last.

    Args:
        backend: the chain that it talks to.
        chain_id: what it says the chain's is.
    """
    usual: dict[str, Endpoint] = API_ENDPOINTS["eth"]
    eth = {
        **usual,
        "chainId": lambda *_: chain_id,  # else eth-tester's usual one
        "maxPriorityFeePerGas": lambda *_: TIP,
        "gasPrice": lambda *_: backend.chain.header.base_fee_per_gas + TIP,  # else too little where a gwei is
        "estimateGas": _numbers(usual["estimateGas"], 1),
        "getStorageAt": _numbers(usual["getStorageAt"], 2),
        "getLogs": _from_the_earliest(usual["getLogs"]),
        "newFilter": _from_the_earliest(usual["newFilter"]),
    }
    return Web3(EthereumTesterProvider(EthereumTester(backend), {**API_ENDPOINTS, "eth": eth}))


def _numbers(answer: Endpoint, place: int) -> Endpoint:
    """Return the endpoint, taking a block's number in hex at a place: web3.py's provider forgets to convert it."""

    def answered(tester: EthereumTester, params: Any) -> Any:
        blocks = [int(each, 16) if each.startswith("0x") else each for each in params[place:]]
        return answer(tester, [*params[:place], *blocks])

    return answered


def _from_the_earliest(answer: Endpoint) -> Endpoint:
    """Return the endpoint of logs, with 0 for the earliest block: eth-tester finds nothing by that name."""

    def answered(tester: EthereumTester, params: Any) -> Any:
        wanted = {key: 0 if value == "earliest" else value for key, value in params[0].items()}
        return answer(tester, [wanted])

    return answered
