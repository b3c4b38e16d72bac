//! Blocks: what is executed, what it costs, and every movement of wei.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
use revm::context::BlockEnv;
use revm::primitives::{Address, B256, Bytes, U256, address, hardfork::SpecId, hex};
use slashpoint_revm::block::{self, Outcome, Status, Surroundings, Transaction};
use slashpoint_revm::state::State;
use slashpoint_revm::transfers::Movement;

const ALICE: Address = address!("a11ce00000000000000000000000000000000000");
const BOB: Address = address!("b0b0000000000000000000000000000000000000");

fn rich() -> State {
    let mut state = State::default();
    state.fund(ALICE, U256::from(10).pow(U256::from(20)));
    state
}

fn run(state: &mut State, batch: Vec<Transaction>) -> Outcome {
    let block = BlockEnv { gas_limit: 1_000_000, ..BlockEnv::default() };
    block::run(state, &block::rules(SpecId::PRAGUE, 1), &around(block), batch)
}

fn around(block: BlockEnv) -> Surroundings {
    Surroundings { block, hashes: Bytes::new() }
}

fn pay(nonce: u64, gas: u64) -> Transaction {
    Transaction { sender: ALICE, to: Some(BOB), value: U256::from(5), gas, nonce, ..Transaction::default() }
}

fn create(nonce: u64, initcode: &[u8], value: u64) -> Transaction {
    let data = Bytes::copy_from_slice(initcode);
    Transaction { sender: ALICE, data, value: U256::from(value), gas: 500_000, nonce, ..Transaction::default() }
}

fn visit(nonce: u64, to: Address, value: u64) -> Transaction {
    Transaction { to: Some(to), value: U256::from(value), ..pay(nonce, 400_000) }
}

/// Initcode that returns `runtime`.
fn deployer(runtime: &[u8]) -> Vec<u8> {
    let size = u8::try_from(runtime.len()).unwrap();
    [&[0x60, size, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3], runtime].concat()
}

fn deployed(state: &mut State, nonce: u64, runtime: &[u8], value: u64) -> Address {
    let outcome = run(state, vec![create(nonce, &deployer(runtime), value)]);
    assert_eq!(outcome.receipts[0].status, Status::Success);
    Address::from_slice(&outcome.receipts[0].output)
}

fn kinds(outcome: &Outcome) -> Vec<(Movement, Address, Address, u64)> {
    outcome.transfers.iter().map(|row| (row.kind, row.sender, row.receiver, row.wei.to())).collect()
}

#[test]
fn the_declared_gas_must_fit_what_is_left() {
    let mut state = rich();
    let outcome = run(&mut state, vec![pay(0, 900_000), pay(1, 979_001), pay(1, 979_000), pay(3, 21_000)]);
    let statuses: Vec<_> = outcome.receipts.iter().map(|receipt| receipt.status).collect();
    assert_eq!(statuses, [Status::Success, Status::Deferred, Status::Success, Status::Deferred]);
    assert_eq!(outcome.receipts.iter().map(|receipt| receipt.gas).collect::<Vec<_>>(), [21_000, 0, 21_000, 0]);
    let why: Vec<_> = outcome.receipts.iter().filter_map(|receipt| receipt.reason.as_ref()).collect();
    assert_eq!(why[0].to_string(), "declares 979001 gas, the block has 979000 left");
    assert_eq!(why[1].to_string(), "nonce 3 is ahead of the account's 2");
    assert_eq!((state.account(ALICE).nonce, state.account(BOB).balance), (2, U256::from(10)));
}

#[test]
fn what_can_never_be_is_invalid_and_changes_nothing() {
    let mut state = rich();
    let poor = Transaction { sender: BOB, ..pay(0, 21_000) };
    let outcome = run(&mut state, vec![pay(0, 20_999), poor, pay(0, 21_000), pay(0, 21_000)]);
    let why: Vec<_> = outcome.receipts.iter().map(|receipt| receipt.reason.as_ref().map(ToString::to_string)).collect();
    assert_eq!(why[0].as_deref(), Some("declares 20999 gas, needs 21000 before it runs"));
    assert_eq!(why[1].as_deref(), Some("may cost 5 wei, the sender has 0"));
    assert_eq!(why[2], None);
    assert_eq!(why[3].as_deref(), Some("nonce 0 is used, the account is at 1"));
    assert_eq!(kinds(&outcome), [(Movement::Call, ALICE, BOB, 5)]);
}

#[test]
fn halts_take_all_the_gas_and_say_why() {
    for (code, why) in [("fe", "invalid opcode"), ("50", "stack underflow"), ("5f56", "invalid jump")] {
        let outcome = run(&mut rich(), vec![create(0, &hex::decode(code).unwrap(), 1)]);
        let receipt = &outcome.receipts[0];
        assert_eq!((receipt.status, receipt.gas), (Status::Halted, 500_000));
        assert_eq!(receipt.reason.as_ref().unwrap().to_string(), why);
        assert!(outcome.transfers.is_empty());
    }
}

#[test]
fn an_absurd_gas_limit_does_not_exhaust_memory() {
    let far = hex::decode("600163ff00000052").unwrap(); // MSTORE(0xff000000, 1)
    let block = around(BlockEnv::default());
    let huge = Transaction { gas: 1 << 62, ..create(0, &far, 0) };
    let receipt = block::call(&mut rich(), &block::rules(SpecId::PRAGUE, 1), &block, huge);
    assert_eq!(receipt.status, Status::Halted);
}

#[test]
fn endowments_and_bequests_are_told_from_calls() {
    let mut state = rich();
    let heir = deployed(&mut state, 0, &hex::decode("00").unwrap(), 0);
    let bequest = [&[0x73], heir.as_slice(), &[0xff]].concat(); // SELFDESTRUCT(heir)
    let old = deployed(&mut state, 1, &bequest, 7);
    assert_eq!(kinds(&run(&mut state, vec![visit(2, old, 1)]))[1..], [(Movement::SelfDestruct, old, heir, 8)]);
    // a bequest of nothing leaves the transfer before it a call
    let hands_on =
        [&hex::decode("5f5f5f5f34").unwrap()[..], &[0x73], BOB.as_slice(), &hex::decode("5af1").unwrap(), &bequest]
            .concat();
    let empty = deployed(&mut state, 3, &hands_on, 0);
    let expected = [(Movement::Call, ALICE, empty, 3), (Movement::Call, empty, BOB, 3)];
    assert_eq!(kinds(&run(&mut state, vec![visit(4, empty, 3)])), expected);
    let outcome = run(&mut state, vec![create(5, &bequest, 9)]); // born and gone in its own constructor
    let born = Address::from_slice(&outcome.receipts[0].output);
    assert_eq!(kinds(&outcome), [(Movement::Create, ALICE, born, 9), (Movement::SelfDestruct, born, heir, 9)]);
}

#[test]
fn wei_left_to_the_dead_burns_and_later_payments_stay() {
    let mut state = rich();
    let outcome = run(&mut state, vec![create(0, &hex::decode("30ff").unwrap(), 9)]); // SELFDESTRUCT(ADDRESS)
    let born = Address::from_slice(&outcome.receipts[0].output);
    assert_eq!(kinds(&outcome), [(Movement::Create, ALICE, born, 9), (Movement::Burn, born, Address::ZERO, 9)]);
    run(&mut state, vec![visit(1, born, 4)]);
    assert_eq!(state.account(born).balance, U256::from(4));
}

#[test]
fn calls_leave_no_trace() {
    let mut state = rich();
    let block = around(BlockEnv { basefee: 1_000, ..BlockEnv::default() });
    let what = Transaction { nonce: 77, ..create(0, &hex::decode("485f5260205ff3").unwrap(), 5) }; // returns BASEFEE
    let receipt = block::call(&mut state, &block::rules(SpecId::PRAGUE, 1), &block, what);
    assert_eq!(receipt.status, Status::Success);
    let asks = deployed(&mut state, 0, &hex::decode("485f5260205ff3").unwrap(), 0);
    let receipt = block::call(&mut state, &block::rules(SpecId::PRAGUE, 1), &block, visit(9, asks, 5));
    assert_eq!(U256::from_be_slice(&receipt.output), U256::from(1_000));
    assert_eq!((state.account(ALICE).nonce, state.account(asks).balance), (1, U256::ZERO));
}

#[test]
fn block_hashes_are_those_that_came_with_the_block() {
    let mut state = rich();
    let asks = deployed(&mut state, 0, &hex::decode("5f35405f5260205ff3").unwrap(), 0); // returns BLOCKHASH(calldata)
    let mut ask = |number: u64, hashes: &[u8], about: u64| {
        let block = BlockEnv { number: U256::from(number), ..BlockEnv::default() };
        let around = Surroundings { block, hashes: Bytes::copy_from_slice(hashes) };
        let data = Bytes::from(U256::from(about).to_be_bytes_vec());
        let asking = Transaction { data, ..visit(1, asks, 0) };
        let receipt = block::call(&mut state, &block::rules(SpecId::PRAGUE, 1), &around, asking);
        B256::from_slice(&receipt.output)
    };
    let hashes: Vec<u8> = (1..=2).flat_map(B256::repeat_byte).collect();
    for (about, hash) in [(6, 0), (7, 1), (8, 2), (9, 0), (10, 0)] {
        assert_eq!(ask(9, &hashes, about), B256::repeat_byte(hash), "block {about}");
    }
    assert_eq!(ask(9, &hashes[..32], 8), B256::repeat_byte(1), "nothing is remembered of another past");
    assert_eq!(ask(9, &[], 8), B256::ZERO);
}

#[test]
fn nothing_is_created_where_there_is_storage() {
    let mut state = rich();
    let taken = ALICE.create(0);
    state.place(taken, 0, Bytes::new(), [(U256::from(1), U256::from(2))]);
    let second = Transaction { gas: 400_000, ..create(2, &deployer(&[0]), 5) };
    let outcome = run(&mut state, vec![create(0, &deployer(&[0]), 3), pay(1, 21_000), second]);
    let receipts = &outcome.receipts;
    assert_eq!((receipts[0].status, receipts[0].gas), (Status::Halted, 500_000));
    assert_eq!(receipts[0].reason.as_ref().unwrap().to_string(), "contract address collision");
    assert_eq!((receipts[1].status, receipts[2].status), (Status::Success, Status::Success), "and life goes on");
    let born = ALICE.create(2);
    assert_eq!(kinds(&outcome), [(Movement::Call, ALICE, BOB, 5), (Movement::Create, ALICE, born, 5)]);
    assert_eq!((state.storage(taken, U256::from(1)), state.code(taken).is_empty()), (U256::from(2), true));
}
