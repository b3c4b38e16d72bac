// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title EnglishAuction
/// @notice The highest bid wins. Whoever is outbid takes the money back with `withdraw`.
contract EnglishAuction {
    address public immutable seller;
    uint256 public immutable reserve;
    uint256 public immutable endsAt;

    address public highestBidder;
    uint256 public highestBid;
    bool public settled;
    mapping(address => uint256) public pending;
    uint256 public totalPending;

    event Bid(address indexed bidder, uint256 amount);
    event Settled(address indexed winner, uint256 amount);
    event Withdrawn(address indexed bidder, uint256 amount);

    error AuctionIsOver(uint256 endedAt);
    error AuctionIsRunning(uint256 endsAt);
    error BidTooLow(uint256 bid, uint256 minimum);
    error AlreadySettled();
    error NothingPending();

    constructor(uint256 reserve_, uint256 duration) {
        seller = msg.sender;
        reserve = reserve_;
        endsAt = block.timestamp + duration;
    }

    /// @notice What the next bid must reach: the reserve, or five percent more than the last one.
    function minimumBid() public view returns (uint256) {
        return highestBidder == address(0) ? reserve : highestBid + highestBid / 20 + 1;
    }

    function bid() external payable {
        if (block.timestamp > endsAt) revert AuctionIsOver(endsAt);
        uint256 minimum = minimumBid();
        if (msg.value < minimum) revert BidTooLow(msg.value, minimum);
        if (highestBidder != address(0)) {
            pending[highestBidder] += highestBid;
            totalPending += highestBid;
        }
        highestBidder = msg.sender;
        highestBid = msg.value;
        emit Bid(msg.sender, msg.value);
    }

    function settle() external {
        if (block.timestamp < endsAt) revert AuctionIsRunning(endsAt);
        if (settled) revert AlreadySettled();
        settled = true;
        emit Settled(highestBidder, highestBid);
        (bool ok,) = seller.call{value: highestBid}("");
        require(ok, "payment failed");
    }

    function withdraw() external {
        uint256 amount = pending[msg.sender];
        if (amount == 0) revert NothingPending();
        pending[msg.sender] = 0;
        totalPending -= amount;
        emit Withdrawn(msg.sender, amount);
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "payment failed");
    }
}
