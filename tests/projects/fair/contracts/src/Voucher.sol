// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A token that is born in a run: a clone of this one.
contract Voucher {
    mapping(address => uint256) public balanceOf;
    uint256 public totalSupply;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Named(string name);

    function decimals() external pure returns (uint8) {
        return 18;
    }

    function begin(string calldata name, address owner) external {
        require(totalSupply == 0, "begun already");
        totalSupply = balanceOf[owner] = 5e18;
        emit Transfer(address(0), owner, 5e18);
        emit Named(name);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}
