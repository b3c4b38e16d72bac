// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title VillageRaffle
/// @notice Tickets are sold for a week; then one of them is drawn, and its owner takes the pot less a tenth for the club.
contract VillageRaffle {
    uint256 public constant PRICE = 0.1 ether;
    uint256 public constant MIN_TICKETS = 5;
    uint256 public constant CLUB_PERCENT = 10;

    address public immutable club;
    uint256 public immutable closesAt;

    address[] public tickets;
    address public winner;
    mapping(address => uint256) public owed;

    event TicketSold(uint256 indexed number, address indexed buyer);
    event Drawn(uint256 indexed number, address indexed winner, uint256 prize);
    event Collected(address indexed who, uint256 amount);

    error SaleClosed();
    error SaleOpen();
    error WrongPrice(uint256 sent, uint256 price);
    error NotEnoughTickets(uint256 sold, uint256 minimum);
    error AlreadyDrawn();
    error NothingOwed();

    constructor(uint256 duration) {
        club = msg.sender;
        closesAt = block.timestamp + duration;
    }

    function buy() external payable returns (uint256 number) {
        if (block.timestamp >= closesAt) revert SaleClosed();
        if (msg.value != PRICE) revert WrongPrice(msg.value, PRICE);
        number = tickets.length;
        tickets.push(msg.sender);
        emit TicketSold(number, msg.sender);
    }

    function ticketsSold() public view returns (uint256) {
        return tickets.length;
    }

    function draw() external {
        if (block.timestamp < closesAt) revert SaleOpen();
        if (winner != address(0)) revert AlreadyDrawn();
        uint256 sold = tickets.length;
        if (sold < MIN_TICKETS) revert NotEnoughTickets(sold, MIN_TICKETS);
        uint256 number = uint256(keccak256(abi.encode(block.prevrandao, sold))) % sold;
        winner = tickets[number];
        uint256 pot = sold * PRICE;
        uint256 share = (pot * CLUB_PERCENT) / 100;
        owed[club] += share;
        owed[winner] += pot - share;
        emit Drawn(number, winner, pot - share);
    }

    function collect() external {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed();
        owed[msg.sender] = 0;
        emit Collected(msg.sender, amount);
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok);
    }
}
