// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title ClubFund
/// @notice Members hold whole units of a common fund of ether. A unit is worth an equal part of what the fund holds.
contract ClubFund {
    uint256 public constant FIRST_PRICE = 1 ether;

    uint256 public totalUnits;
    mapping(address => uint256) public unitsOf;

    event Bought(address indexed member, uint256 units, uint256 paid);
    event Sold(address indexed member, uint256 units, uint256 amount);
    event Income(address indexed from, uint256 amount);

    error NoUnits();
    error WrongPayment(uint256 sent, uint256 price);
    error TooFewUnits(uint256 held, uint256 needed);
    error FundTooSmall(uint256 holds, uint256 wanted);

    receive() external payable {
        if (totalUnits == 0) revert NoUnits();
        emit Income(msg.sender, msg.value);
    }

    /// @notice What so many units cost, of a fund that holds `assets`; a fraction of a wei is charged as a whole one.
    function _price(uint256 units, uint256 assets) private view returns (uint256) {
        if (totalUnits == 0) return units * FIRST_PRICE;
        return (units * assets + totalUnits - 1) / totalUnits;
    }

    function priceOf(uint256 units) external view returns (uint256) {
        return _price(units, address(this).balance);
    }

    function buy(uint256 units) public payable virtual {
        if (units == 0) revert NoUnits();
        uint256 price = _price(units, address(this).balance - msg.value);
        if (msg.value < price) revert WrongPayment(msg.value, price);
        totalUnits += units;
        unitsOf[msg.sender] += units;
        emit Bought(msg.sender, units, msg.value);
    }

    /// @notice Take ether out, and give up the units that it is worth.
    function withdraw(uint256 amount) public virtual {
        if (amount > address(this).balance) revert FundTooSmall(address(this).balance, amount);
        uint256 units = (amount * totalUnits) / address(this).balance;
        uint256 held = unitsOf[msg.sender];
        if (held < units || held == 0) revert TooFewUnits(held, units);
        unitsOf[msg.sender] = held - units;
        totalUnits -= units;
        emit Sold(msg.sender, units, amount);
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "payment failed");
    }

    function give(address to, uint256 units) external {
        uint256 held = unitsOf[msg.sender];
        if (held < units) revert TooFewUnits(held, units);
        unitsOf[msg.sender] = held - units;
        unitsOf[to] += units;
    }
}
