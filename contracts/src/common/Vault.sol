// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @dev Why money was credited or retained.
enum Cause {
    REWARD, // earned, or forfeited by a requester to the trainers
    STAKE, // one's own stake, back
    REFUND, // a requester's own reward and stake, back
    SLASH, // a share of somebody else's slashed stake
    BOUNTY, // for carrying out a slash
    FEE // the protocol's
}

/// @title Vault: one token's worth of escrow, debts and treasury, paid out only when people ask
/// @notice Invariant: token.balanceOf(this) == escrow + owedTotal + treasury, unless somebody sends tokens unasked.
/// @dev State changes before the token is called, and the token calls nobody back, so there is nothing to re-enter.
abstract contract Vault {
    using SafeERC20 for IERC20;

    /// @dev Burnt tokens go where nobody has a key, so that any ERC-20 will do, whether or not it can burn.
    address internal constant BURNT = 0x000000000000000000000000000000000000dEaD;

    IERC20 public immutable token;
    uint256 public escrow; // held for jobs that are not over
    uint256 public owedTotal; // the sum of `owed`
    uint256 public treasury; // slashed, forfeited or charged, and kept for good
    mapping(address who => uint256) public owed; // may be withdrawn

    event Credited(uint256 indexed id, address indexed who, uint256 amount, Cause cause);
    event Retained(uint256 indexed id, uint256 amount, Cause cause);
    event Burnt(uint256 indexed id, uint256 amount);
    event Withdrawn(address indexed who, uint256 amount);

    error NothingOwed(address who);

    constructor(IERC20 token_) {
        token = token_;
    }

    /// @notice Collect everything that the caller is owed.
    function withdraw() external {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        owed[msg.sender] = 0;
        owedTotal -= amount;
        emit Withdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @dev Into escrow, from an allowance.
    function _deposit(address from, uint256 amount) internal {
        escrow += amount;
        if (amount != 0) token.safeTransferFrom(from, address(this), amount);
    }

    /// @dev Out of escrow: owed to somebody from now on.
    function _credit(uint256 id, address who, uint256 amount, Cause cause) internal {
        if (amount == 0) return;
        escrow -= amount;
        owedTotal += amount;
        owed[who] += amount;
        emit Credited(id, who, amount, cause);
    }

    /// @dev Out of escrow: the contract's own from now on.
    function _retain(uint256 id, uint256 amount, Cause cause) internal {
        if (amount == 0) return;
        escrow -= amount;
        treasury += amount;
        emit Retained(id, amount, cause);
    }

    /// @dev Out of escrow: nobody's from now on.
    function _burn(uint256 id, uint256 amount) internal {
        if (amount == 0) return;
        escrow -= amount;
        emit Burnt(id, amount);
        token.safeTransfer(BURNT, amount);
    }
}
