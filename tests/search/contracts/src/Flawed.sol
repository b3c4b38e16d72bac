// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Coin} from "./Coin.sol";

/// The first depositor makes a share so dear that the next one's deposit buys none.
contract InflatableVault {
    Coin private immutable coin;
    mapping(address => uint256) public shares;
    uint256 public total;

    constructor(Coin coin_) {
        coin = coin_;
    }

    function deposit(uint256 amount) external {
        uint256 held = coin.balanceOf(address(this));
        uint256 bought = total == 0 ? amount : amount * total / held;
        shares[msg.sender] += bought;
        total += bought;
        require(coin.transferFrom(msg.sender, address(this), amount));
    }

    function redeem(uint256 amount) external {
        uint256 out = amount * coin.balanceOf(address(this)) / total;
        shares[msg.sender] -= amount;
        total -= amount;
        require(coin.transfer(msg.sender, out));
    }
}

/// Pays before it writes down that it paid.
contract ReentrantBank {
    mapping(address => uint256) public credit;

    function deposit() external payable {
        credit[msg.sender] += msg.value;
    }

    function withdraw() external {
        uint256 amount = credit[msg.sender];
        require(amount > 0, "nothing");
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok, "refused");
        credit[msg.sender] = 0;
    }
}

/// A campaign that failed gives back as often as it is asked.
contract RefundTwice {
    uint256 public immutable deadline = block.timestamp + 7 days;
    mapping(address => uint256) public paid;

    function pay() external payable {
        require(block.timestamp < deadline, "over");
        paid[msg.sender] += msg.value;
    }

    function refund() external {
        require(block.timestamp >= deadline, "not over");
        payable(msg.sender).transfer(paid[msg.sender]);
    }
}

/// The outbid are paid back, and the last bid goes nowhere.
contract EndlessAuction {
    address public leader;
    uint256 public highest;

    function bid() external payable {
        require(msg.value > highest, "too low");
        address before = leader;
        uint256 back = highest;
        leader = msg.sender;
        highest = msg.value;
        if (before != address(0)) payable(before).transfer(back);
    }
}

/// Anybody makes himself its owner.
contract OpenWallet {
    address public owner = msg.sender;

    receive() external payable {}

    constructor() payable {}

    function setOwner(address next) external {
        owner = next;
    }

    function withdrawAll() external {
        require(msg.sender == owner, "not the owner");
        payable(msg.sender).transfer(address(this).balance);
    }
}

/// Rounds what it takes down, and what it gives up.
contract RoundingBank {
    uint256 private constant UNIT = 1 ether;
    mapping(address => uint256) public points;

    function deposit() external payable {
        points[msg.sender] += (msg.value + UNIT - 1) / UNIT;
    }

    function withdraw(uint256 amount) external {
        points[msg.sender] -= amount;
        payable(msg.sender).transfer(amount * UNIT);
    }
}

/// Believes that a token which said no has paid.
contract CarelessBank {
    Coin private immutable coin;
    mapping(address => uint256) public credit;

    constructor(Coin coin_) {
        coin = coin_;
    }

    function deposit(uint256 amount) external {
        coin.transferFrom(msg.sender, address(this), amount);
        credit[msg.sender] += amount;
    }

    function withdraw(uint256 amount) external {
        credit[msg.sender] -= amount;
        require(coin.transfer(msg.sender, amount));
    }
}

/// In the second of the deadline both sides may act: a saver takes back, and is paid interest on it again.
contract OverlappingWindow {
    uint256 public immutable deadline = block.timestamp + 3 days;
    mapping(address => uint256) public paid;

    function pay() external payable {
        require(block.timestamp <= deadline, "over");
        paid[msg.sender] += msg.value;
    }

    function cancel() external {
        require(block.timestamp <= deadline, "over");
        payable(msg.sender).transfer(paid[msg.sender]);
        if (block.timestamp < deadline) paid[msg.sender] = 0;
    }

    function collect() external {
        require(block.timestamp >= deadline, "not over");
        uint256 amount = paid[msg.sender];
        paid[msg.sender] = 0;
        payable(msg.sender).transfer(amount);
    }
}

/// Whoever guesses takes the pot, and may change the guess after the number is known.
contract LooseCommitment {
    uint256 public immutable deadline = block.timestamp + 1 days;
    uint256 public pot;
    uint256 public number;
    mapping(address => bytes32) public commitment;
    mapping(address => uint256) public paid;

    function commit(bytes32 hash) external payable {
        require(block.timestamp < deadline && msg.value > 0 && paid[msg.sender] == 0, "closed");
        commitment[msg.sender] = hash;
        paid[msg.sender] = msg.value;
    }

    /// The highest number wins everything; the commitment is looked at, and not compared.
    function reveal(uint256 guess) external {
        require(block.timestamp >= deadline && commitment[msg.sender] != 0, "not yet");
        if (guess > number && guess <= 1000) {
            number = guess;
            commitment[msg.sender] = 0;
            payable(msg.sender).transfer(address(this).balance);
        }
    }

    function quit() external {
        uint256 amount = paid[msg.sender];
        paid[msg.sender] = 0;
        payable(msg.sender).transfer(amount);
    }
}

/// Says itself what must hold, asserts, and keeps no books.
contract Counter {
    uint256 public count;
    mapping(address => uint256) public balanceOf;
    uint256 public totalSupply;

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function add(uint8 by) external {
        count += by;
        assert(count != 42);
    }

    function double() external {
        count *= 2;
    }

    function mint(uint96 amount) external {
        balanceOf[msg.sender] += amount;
        totalSupply += amount > 1 ether ? amount / 2 : amount;
    }

    function invariant_small() external view returns (bool) {
        return count < 1000;
    }
}
