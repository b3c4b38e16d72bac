// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// An ERC-20 token. Where `quiet`, a transfer that is not covered returns false and does not revert, as ZRX does.
contract Coin {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint256 public immutable totalSupply;
    bool private immutable quiet;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint256 supply, bool quiet_) {
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
        quiet = quiet_;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        if (allowance[from][msg.sender] < value) {
            require(quiet, "allowance");
            return false;
        }
        bool moved = _move(from, to, value);
        if (moved && allowance[from][msg.sender] != type(uint256).max) allowance[from][msg.sender] -= value;
        return moved;
    }

    function _move(address from, address to, uint256 value) private returns (bool) {
        if (balanceOf[from] < value) {
            require(quiet, "balance");
            return false;
        }
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }
}
