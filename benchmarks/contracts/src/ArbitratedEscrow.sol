// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title ArbitratedEscrow
/// @notice A buyer pays in, a seller delivers, and where they disagree an arbiter rules. Silence of any of the three
/// never keeps the money here.
contract ArbitratedEscrow {
    enum Status {
        None,
        Offered,
        Accepted,
        Disputed,
        Closed
    }

    struct Deal {
        address buyer;
        address seller;
        uint256 amount;
        uint256 since;
        Status status;
    }

    uint256 public constant DELIVERY_TIME = 14 days;
    uint256 public constant RULING_TIME = 30 days;

    address public immutable arbiter;
    Deal[] public deals;
    mapping(address => uint256) public owed;
    uint256 public totalOwed;

    event Offered(uint256 indexed id, address indexed buyer, address indexed seller, uint256 amount);
    event StatusChanged(uint256 indexed id, Status status);
    event Withdrawn(address indexed who, uint256 amount);

    error NotYou(address who);
    error WrongStatus(Status status);
    error TooEarly(uint256 earliest);
    error BadPercentage(uint256 percent);

    constructor() {
        arbiter = msg.sender;
    }

    function dealCount() external view returns (uint256) {
        return deals.length;
    }

    function offer(address seller) external payable returns (uint256 id) {
        id = deals.length;
        deals.push(Deal(msg.sender, seller, msg.value, block.timestamp, Status.Offered));
        emit Offered(id, msg.sender, seller, msg.value);
    }

    function accept(uint256 id) external {
        Deal storage deal = _in(id, Status.Offered);
        _only(deal.seller);
        _enter(id, Status.Accepted);
    }

    /// @notice The buyer changes her mind before the seller has accepted.
    function cancel(uint256 id) external {
        Deal storage deal = _in(id, Status.Offered);
        _only(deal.buyer);
        _close(id, deal.amount);
    }

    function release(uint256 id) external {
        Deal storage deal = _in(id, Status.Accepted);
        _only(deal.buyer);
        _close(id, 0);
    }

    function giveBack(uint256 id) external {
        Deal storage deal = _in(id, Status.Accepted);
        _only(deal.seller);
        _close(id, deal.amount);
    }

    function dispute(uint256 id) external {
        Deal storage deal = _in(id, Status.Accepted);
        _only(deal.buyer);
        _enter(id, Status.Disputed);
    }

    /// @notice The buyer said nothing for two weeks: the seller is paid.
    function claim(uint256 id) external {
        Deal storage deal = _in(id, Status.Accepted);
        _only(deal.seller);
        if (block.timestamp < deal.since + DELIVERY_TIME) revert TooEarly(deal.since + DELIVERY_TIME);
        _close(id, 0);
    }

    function rule(uint256 id, uint256 buyersPercent) external {
        Deal storage deal = _in(id, Status.Disputed);
        _only(arbiter);
        if (buyersPercent > 100) revert BadPercentage(buyersPercent);
        _close(id, (deal.amount * buyersPercent) / 100);
    }

    /// @notice The arbiter said nothing for a month: the parties get half each.
    function split(uint256 id) external {
        Deal storage deal = _in(id, Status.Disputed);
        if (block.timestamp < deal.since + RULING_TIME) revert TooEarly(deal.since + RULING_TIME);
        _close(id, deal.amount / 2);
    }

    function withdraw() external {
        uint256 amount = owed[msg.sender];
        owed[msg.sender] = 0;
        totalOwed -= amount;
        emit Withdrawn(msg.sender, amount);
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "payment failed");
    }

    function _in(uint256 id, Status status) private view returns (Deal storage deal) {
        deal = deals[id];
        if (deal.status != status) revert WrongStatus(deal.status);
    }

    function _only(address who) private view {
        if (msg.sender != who) revert NotYou(msg.sender);
    }

    function _enter(uint256 id, Status status) private {
        deals[id].status = status;
        deals[id].since = block.timestamp;
        emit StatusChanged(id, status);
    }

    function _close(uint256 id, uint256 buyersPart) private {
        Deal storage deal = deals[id];
        owed[deal.buyer] += buyersPart;
        owed[deal.seller] += deal.amount - buyersPart;
        totalOwed += deal.amount;
        _enter(id, Status.Closed);
    }
}
