// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title PassbookBank
/// @notice Accounts in ether: put in, send to one another, close.
contract PassbookBank {
    mapping(address => uint256) public balanceOf;
    mapping(address => uint64) public openedAt;
    uint256 public totalDeposits;

    event Opened(address indexed customer);
    event Deposited(address indexed customer, uint256 amount);
    event Sent(address indexed from, address indexed to, uint256 amount);
    event Closed(address indexed customer, uint256 amount);

    error NoAccount(address customer);
    error TooLittle(uint256 balance, uint256 wanted);
    error PaymentFailed();

    modifier onlyCustomer() {
        if (openedAt[msg.sender] == 0) revert NoAccount(msg.sender);
        _;
    }

    function open() external payable {
        if (openedAt[msg.sender] == 0) {
            openedAt[msg.sender] = uint64(block.timestamp);
            emit Opened(msg.sender);
        }
        _credit(msg.sender, msg.value);
    }

    function deposit() external payable onlyCustomer {
        _credit(msg.sender, msg.value);
    }

    function send(address to, uint256 amount) external onlyCustomer {
        if (openedAt[to] == 0) revert NoAccount(to);
        uint256 balance = balanceOf[msg.sender];
        if (balance < amount) revert TooLittle(balance, amount);
        balanceOf[msg.sender] = balance - amount;
        balanceOf[to] += amount;
        emit Sent(msg.sender, to, amount);
    }

    function withdraw(uint256 amount) external onlyCustomer {
        uint256 balance = balanceOf[msg.sender];
        if (balance < amount) revert TooLittle(balance, amount);
        balanceOf[msg.sender] = balance - amount;
        totalDeposits -= amount;
        _pay(msg.sender, amount);
    }

    function close() external onlyCustomer {
        uint256 amount = balanceOf[msg.sender];
        _pay(msg.sender, amount);
        totalDeposits -= balanceOf[msg.sender];
        balanceOf[msg.sender] = 0;
        openedAt[msg.sender] = 0;
        emit Closed(msg.sender, amount);
    }

    function _credit(address customer, uint256 amount) private {
        balanceOf[customer] += amount;
        totalDeposits += amount;
        emit Deposited(customer, amount);
    }

    function _pay(address to, uint256 amount) private {
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert PaymentFailed();
    }
}
