// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title SealedSale
/// @notice One item, sold to the highest sealed bid. Whoever bids sends a hash and a deposit that covers the bid; at the
/// reveal, what is above the bid goes back at once. A deposit whose bid is never revealed is the seller's.
contract SealedSale {
    address public immutable seller;
    uint256 public immutable biddingEnds;
    uint256 public immutable revealEnds;

    mapping(bytes32 => uint256) public depositOf;
    mapping(address => uint256) public owed;
    address public highestBidder;
    uint256 public highestBid;
    uint256 public unrevealed;
    bool public ended;

    event Committed(bytes32 indexed commitment, uint256 deposit);
    event Revealed(address indexed bidder, uint256 bid);
    event Ended(address indexed winner, uint256 bid);

    error TooEarly(uint256 time);
    error TooLate(uint256 time);
    error UnknownCommitment(bytes32 commitment);
    error AlreadyCommitted(bytes32 commitment);
    error AlreadyEnded();

    constructor(uint256 biddingTime, uint256 revealTime) {
        seller = msg.sender;
        biddingEnds = block.timestamp + biddingTime;
        revealEnds = biddingEnds + revealTime;
    }

    function commitmentOf(uint256 bid, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(bid, salt));
    }

    function commit(bytes32 commitment) public payable virtual {
        if (block.timestamp >= biddingEnds) revert TooLate(biddingEnds);
        if (depositOf[commitment] != 0) revert AlreadyCommitted(commitment);
        depositOf[commitment] = msg.value;
        unrevealed += msg.value;
        emit Committed(commitment, msg.value);
    }

    function reveal(uint256 bid, bytes32 salt) public virtual {
        if (block.timestamp < biddingEnds) revert TooEarly(biddingEnds);
        if (block.timestamp >= revealEnds) revert TooLate(revealEnds);
        bytes32 commitment = commitmentOf(bid, salt);
        uint256 deposit = depositOf[commitment];
        if (deposit == 0) revert UnknownCommitment(commitment);
        depositOf[commitment] = 0;
        unrevealed -= deposit;
        uint256 back = deposit;
        if (deposit >= bid && bid > highestBid) {
            owed[highestBidder] += highestBid;
            highestBidder = msg.sender;
            highestBid = bid;
            back = deposit - bid;
        }
        owed[msg.sender] += back;
        emit Revealed(msg.sender, bid);
    }

    function end() external {
        if (block.timestamp < revealEnds) revert TooEarly(revealEnds);
        if (ended) revert AlreadyEnded();
        ended = true;
        owed[seller] += highestBid + unrevealed;
        emit Ended(highestBidder, highestBid);
    }

    function collect() external {
        uint256 amount = owed[msg.sender];
        owed[msg.sender] = 0;
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "payment failed");
    }
}
