// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A contract that acts for an account, and calls back when it is called.
/// @notice Anybody may use it: in a search, the attacker alone does. Calls go through `act`, so that the contract under
/// test sees a contract as its caller. `arm` prepares the call that it makes when money or a token's hook reaches it,
/// which is how reentrancy is tried. It accepts every payment and every token.
contract Puppet {
    address private _target;
    bytes private _data;
    uint256 private _times;

    /// @notice Prepare what is called when this contract is called back.
    /// @param target whom it calls then.
    /// @param data the calldata.
    /// @param times how often at most; 0 disarms it.
    function arm(address target, bytes calldata data, uint256 times) external {
        _target = target;
        _data = data;
        _times = times;
    }

    /// @notice Call a contract in this contract's name, with all the wei that is sent along.
    /// @param target whom it calls.
    /// @param data the calldata.
    /// @return answer what the call returned; a revert is passed on as it is.
    function act(address target, bytes calldata data) external payable returns (bytes memory answer) {
        bool success;
        // slither-disable-next-line low-level-calls
        (success, answer) = target.call{value: msg.value}(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }

    /// @notice Accept wei, and call back if armed.
    receive() external payable {
        _again();
    }

    /// @notice Answer a hook with its own selector, as tokens' receivers do, and call back if armed.
    fallback() external payable {
        _again();
        assembly ("memory-safe") {
            mstore(0, and(calldataload(0), shl(224, 0xffffffff)))
            return(0, 32)
        }
    }

    /// @dev The call may fail: the payment then stands as if nothing had been armed.
    function _again() private {
        if (_times == 0) return;
        _times -= 1;
        (bool success,) = _target.call(_data);
        success;
    }
}
