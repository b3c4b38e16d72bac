// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title CharityAuction
/// @notice The highest bid wins. A late bid prolongs the auction; everybody, the charity too, is paid on demand.
contract CharityAuction {
    uint256 public constant EXTENSION = 10 minutes;

    address public immutable charity;
    uint256 public immutable reserve;
    uint256 public immutable latestEnd;

    uint256 public endsAt;
    address public highestBidder;
    uint256 public highestBid;
    bool public settled;
    mapping(address => uint256) public owed;
    uint256 public totalOwed;

    event Bid(address indexed bidder, uint256 amount, uint256 endsAt);
    event Settled(address indexed winner, uint256 amount);
    event Paid(address indexed to, uint256 amount);

    error AuctionIsOver(uint256 endedAt);
    error AuctionIsRunning(uint256 endsAt);
    error BidTooLow(uint256 bid, uint256 minimum);
    error AlreadySettled();
    error NothingOwed();

    constructor(uint256 reserve_, uint256 duration) {
        charity = msg.sender;
        reserve = reserve_;
        endsAt = block.timestamp + duration;
        latestEnd = endsAt + 1 days;
    }

    function minimumBid() public view returns (uint256) {
        return highestBidder == address(0) ? reserve : highestBid + highestBid / 20 + 1;
    }

    function bid() external payable {
        if (block.timestamp >= endsAt) revert AuctionIsOver(endsAt);
        uint256 minimum = minimumBid();
        if (msg.value < minimum) revert BidTooLow(msg.value, minimum);
        _credit(highestBidder, highestBid);
        highestBidder = msg.sender;
        highestBid = msg.value;
        uint256 prolonged = block.timestamp + EXTENSION;
        if (prolonged > endsAt) endsAt = prolonged < latestEnd ? prolonged : latestEnd;
        emit Bid(msg.sender, msg.value, endsAt);
    }

    function settle() external {
        if (block.timestamp < endsAt) revert AuctionIsRunning(endsAt);
        if (settled) revert AlreadySettled();
        settled = true;
        _credit(charity, highestBid);
        emit Settled(highestBidder, highestBid);
    }

    function withdraw() external {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed();
        owed[msg.sender] = 0;
        totalOwed -= amount;
        emit Paid(msg.sender, amount);
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "payment failed");
    }

    function _credit(address to, uint256 amount) private {
        owed[to] += amount;
        totalOwed += amount;
    }
}
