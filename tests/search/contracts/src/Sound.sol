// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Coin} from "./Coin.sol";

/// Shares with an offset of a thousand a unit, and a fee for whoever made it.
contract FeeVault {
    Coin private immutable coin;
    address private immutable owner = msg.sender;
    mapping(address => uint256) public shares;
    uint256 public total;
    uint256 public fees;

    constructor(Coin coin_) {
        coin = coin_;
    }

    function assets() public view returns (uint256) {
        return coin.balanceOf(address(this)) - fees;
    }

    function deposit(uint256 amount) external {
        uint256 fee = amount / 100;
        uint256 bought = (amount - fee) * (total + 1e6) / (assets() + 1);
        fees += fee;
        shares[msg.sender] += bought;
        total += bought;
        require(coin.transferFrom(msg.sender, address(this), amount));
    }

    function redeem(uint256 amount) external {
        uint256 out = amount * (assets() + 1) / (total + 1e6);
        shares[msg.sender] -= amount;
        total -= amount;
        require(coin.transfer(msg.sender, out));
    }

    function collect() external {
        uint256 amount = fees;
        fees = 0;
        require(coin.transfer(owner, amount));
    }
}

/// The outbid take back what they bid, and the seller the highest bid after the end.
contract Auction {
    address private immutable seller = msg.sender;
    uint256 public immutable end = block.timestamp + 3 days;
    address public leader;
    uint256 public highest;
    bool public paid;
    mapping(address => uint256) public owed;

    function bid() external payable {
        require(block.timestamp < end && msg.value > highest, "too late, or too low");
        owed[leader] += highest;
        leader = msg.sender;
        highest = msg.value;
    }

    function withdraw() external {
        uint256 amount = owed[msg.sender];
        owed[msg.sender] = 0;
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "refused");
    }

    function finish() external {
        require(block.timestamp >= end && !paid, "not yet");
        paid = true;
        payable(seller).transfer(highest);
    }
}

/// A buyer's money until the buyer or the arbiter lets it go; a buyer who hears nothing has it back after a month.
contract Escrow {
    struct Deal {
        address buyer;
        address seller;
        uint256 amount;
        uint256 until;
    }

    address private immutable arbiter = msg.sender;
    Deal[] public deals;

    event Opened(uint256 id);

    function open(address seller) external payable returns (uint256 id) {
        require(seller != address(0) && msg.value > 0, "whom, and what");
        id = deals.length;
        deals.push(Deal(msg.sender, seller, msg.value, block.timestamp + 30 days));
        emit Opened(id);
    }

    function release(uint256 id) external {
        require(msg.sender == deals[id].buyer || msg.sender == arbiter, "not yours");
        _pay(id, deals[id].seller);
    }

    function refund(uint256 id) external {
        Deal storage deal = deals[id];
        require(msg.sender == deal.seller || msg.sender == arbiter || block.timestamp > deal.until, "not yet");
        _pay(id, deal.buyer);
    }

    function _pay(uint256 id, address to) private {
        uint256 amount = deals[id].amount;
        deals[id].amount = 0;
        payable(to).transfer(amount);
    }
}

/// Pays out over a year to whom a grant names.
contract Vesting {
    struct Grant {
        uint256 amount;
        uint256 taken;
        uint256 from;
    }

    mapping(address => Grant) public grants;

    function grant(address to) external payable {
        require(grants[to].amount == 0 && msg.value > 0, "granted");
        grants[to] = Grant(msg.value, 0, block.timestamp);
    }

    function claim() external {
        Grant storage mine = grants[msg.sender];
        uint256 passed = block.timestamp - mine.from;
        uint256 due = passed >= 365 days ? mine.amount : mine.amount * passed / 365 days;
        uint256 out = due - mine.taken;
        mine.taken = due;
        payable(msg.sender).transfer(out);
    }
}

/// Stakes in the coin earn wei that the owner puts in, by time and stake; what nobody earns goes back to the owner.
contract Staking {
    Coin private immutable coin;
    address private immutable owner = msg.sender;
    uint256 public rate;
    uint256 public until;
    uint256 public seen;
    uint256 public perUnit;
    uint256 public total;
    uint256 public promised;
    mapping(address => uint256) public stakes;
    mapping(address => uint256) public counted;
    mapping(address => uint256) public earned;

    constructor(Coin coin_) {
        coin = coin_;
    }

    modifier settled() {
        uint256 upTo = block.timestamp < until ? block.timestamp : until;
        if (total > 0 && upTo > seen) {
            uint256 added = (upTo - seen) * rate * 1e18 / total;
            perUnit += added;
        }
        if (upTo > seen) seen = upTo;
        uint256 due = stakes[msg.sender] * (perUnit - counted[msg.sender]) / 1e18;
        earned[msg.sender] += due;
        promised += due;
        counted[msg.sender] = perUnit;
        _;
    }

    function fund() external payable settled {
        require(msg.sender == owner && block.timestamp >= until && msg.value >= 30 days, "not now");
        rate = msg.value / 30 days;
        seen = block.timestamp;
        until = block.timestamp + 30 days;
    }

    function stake(uint256 amount) external settled {
        stakes[msg.sender] += amount;
        total += amount;
        require(coin.transferFrom(msg.sender, address(this), amount));
    }

    function unstake(uint256 amount) external settled {
        stakes[msg.sender] -= amount;
        total -= amount;
        require(coin.transfer(msg.sender, amount));
    }

    function claim() external settled {
        uint256 out = earned[msg.sender];
        earned[msg.sender] = 0;
        promised -= out;
        (bool ok,) = msg.sender.call{value: out}("");
        require(ok, "refused");
    }

    function sweep() external {
        require(msg.sender == owner && total == 0 && block.timestamp > until, "not now");
        payable(owner).transfer(address(this).balance - promised);
    }
}

/// Constant product, a fee of 0.3 %, a first lot of shares that nobody has.
contract Pair {
    Coin private immutable left;
    Coin private immutable right;
    uint256 public x;
    uint256 public y;
    uint256 public total;
    mapping(address => uint256) public shares;

    constructor(Coin left_, Coin right_) {
        left = left_;
        right = right_;
    }

    function add(uint256 a, uint256 b) external {
        uint256 made;
        if (total == 0) {
            require(a > 1e6 && b > 1e6 && a < 1e30 && b < 1e30, "too little");
            made = (a < b ? a : b) - 1000;
            total = 1000;
        } else {
            require(a * y / x < b, "not enough of the other");
            b = a * y / x + 1;
            made = a * total / x;
        }
        require(made > 0, "too little");
        shares[msg.sender] += made;
        total += made;
        x += a;
        y += b;
        require(left.transferFrom(msg.sender, address(this), a));
        require(right.transferFrom(msg.sender, address(this), b));
    }

    function remove(uint256 amount) external {
        uint256 a = amount * x / total;
        uint256 b = amount * y / total;
        shares[msg.sender] -= amount;
        total -= amount;
        x -= a;
        y -= b;
        require(left.transfer(msg.sender, a));
        require(right.transfer(msg.sender, b));
    }

    function swap(uint256 amount, bool forward) external {
        require(total > 0, "empty");
        (uint256 from, uint256 to) = forward ? (x, y) : (y, x);
        uint256 net = amount * 997 / 1000;
        uint256 out = to * net / (from + net);
        if (forward) (x, y) = (x + amount, y - out);
        else (x, y) = (x - out, y + amount);
        require((forward ? left : right).transferFrom(msg.sender, address(this), amount));
        require((forward ? right : left).transfer(msg.sender, out));
    }
}

/// Money that leaves when two of three agree.
contract Multisig {
    address[3] private owners;

    struct Payment {
        address to;
        uint256 amount;
        uint256 votes;
        bool done;
    }

    Payment[] public payments;
    mapping(uint256 => mapping(address => bool)) public voted;

    constructor(address[3] memory owners_) {
        owners = owners_;
    }

    function deposit() external payable {}

    modifier ours() {
        require(msg.sender == owners[0] || msg.sender == owners[1] || msg.sender == owners[2], "not an owner");
        _;
    }

    function propose(address to, uint256 amount) external ours {
        payments.push(Payment(to, amount, 0, false));
    }

    function vote(uint256 id) external ours {
        require(id < payments.length && !voted[id][msg.sender], "voted");
        voted[id][msg.sender] = true;
        payments[id].votes += 1;
    }

    function execute(uint256 id) external {
        require(payments[id].votes >= 2 && !payments[id].done, "not agreed");
        payments[id].done = true;
        (bool ok,) = payments[id].to.call{value: payments[id].amount}("");
        require(ok, "refused");
    }
}

/// A ticket costs an ether; after a day one is drawn, by chance.
contract Lottery {
    uint256 public until = block.timestamp + 1 days;
    address[] public tickets;

    function buy() external payable {
        require(msg.value == 1 ether && block.timestamp < until, "closed");
        tickets.push(msg.sender);
    }

    function draw() external {
        require(block.timestamp >= until && tickets.length > 0, "not yet");
        address winner = tickets[uint256(keccak256(abi.encode(block.prevrandao))) % tickets.length];
        delete tickets;
        until = block.timestamp + 1 days;
        (bool ok,) = winner.call{value: address(this).balance}("");
        require(ok, "refused");
    }
}

/// Bids are hidden, then shown; the highest shown pays the owner, all others have theirs back.
contract HiddenBids {
    address private immutable owner = msg.sender;
    uint256 public immutable shown = block.timestamp + 1 days;
    uint256 public immutable end = block.timestamp + 2 days;
    mapping(address => bytes32) public hidden;
    mapping(address => uint256) public paid;
    address public leader;
    uint256 public highest;

    function commit(bytes32 hash) external payable {
        require(block.timestamp < shown && paid[msg.sender] == 0, "closed");
        hidden[msg.sender] = hash;
        paid[msg.sender] = msg.value;
    }

    function reveal(uint256 amount, bytes32 salt) external {
        require(block.timestamp >= shown && block.timestamp < end, "closed");
        require(hidden[msg.sender] == keccak256(abi.encode(amount, salt)) && amount <= paid[msg.sender], "wrong");
        if (amount > highest) (leader, highest) = (msg.sender, amount);
    }

    function collect() external {
        require(block.timestamp >= end, "not yet");
        uint256 amount = paid[msg.sender];
        paid[msg.sender] = 0;
        if (msg.sender == leader) {
            amount -= highest;
            (bool sent,) = owner.call{value: highest}("");
            require(sent, "refused");
            leader = address(0);
        }
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "refused");
    }
}

/// Stakes share rewards that anybody may fund, each by what it has staked at that time.
contract RewardPool {
    mapping(address who => uint256) public staked;
    mapping(address who => uint256) public paid;
    uint256 public total;
    uint256 public perUnit;

    function stake() external payable {
        claim();
        staked[msg.sender] += msg.value;
        total += msg.value;
        paid[msg.sender] = staked[msg.sender] * perUnit / 1e18;
    }

    function fund() external payable {
        require(total > 0, "nobody stakes");
        perUnit += msg.value * 1e18 / total;
    }

    function claim() public {
        uint256 due = staked[msg.sender] * perUnit / 1e18 - paid[msg.sender];
        paid[msg.sender] += due;
        (bool success,) = msg.sender.call{value: due}("");
        require(success, "not paid");
    }

    function leave() external {
        claim();
        uint256 amount = staked[msg.sender];
        staked[msg.sender] = 0;
        paid[msg.sender] = 0;
        total -= amount;
        (bool success,) = msg.sender.call{value: amount}("");
        require(success, "not paid");
    }
}

/// Who offers ether for coins gets them, or takes the offer back.
contract Offers {
    struct Offer {
        address maker;
        uint256 price;
        uint256 amount;
    }

    Coin public immutable coin;
    Offer[] public offers;

    constructor(Coin coin_) {
        coin = coin_;
    }

    function offer(uint256 amount) external payable {
        require(msg.value > 0 && amount > 0, "nothing is offered");
        offers.push(Offer(msg.sender, msg.value, amount));
    }

    function cancel(uint256 id) external {
        require(offers[id].maker == msg.sender, "another's");
        _close(id);
    }

    function fill(uint256 id) external {
        Offer memory filled = offers[id];
        require(filled.maker != address(0), "closed");
        require(coin.transferFrom(msg.sender, filled.maker, filled.amount), "no coins");
        _close(id);
    }

    function _close(uint256 id) private {
        uint256 price = offers[id].price;
        delete offers[id];
        (bool success,) = msg.sender.call{value: price}("");
        require(success, "not paid");
    }
}
