//! Searches: what is found, how it is told, and that it is always the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
use revm::primitives::{Address, Bytes, U256, address, bytes, hardfork::SpecId};
use slashpoint_revm::block;
use slashpoint_revm::search::{Failure, Function, Harvest, Plan, Property, run};
use slashpoint_revm::state::State;

const ALICE: Address = address!("a11ce00000000000000000000000000000000000");
const BOB: Address = address!("b0b0000000000000000000000000000000000000");
const GATE: Address = address!("0000000000000000000000000000000000009a7e");
const BOX: Address = address!("000000000000000000000000000000000000b0b0");

/// Runs the invalid opcode if the first argument is 0x1234567890.
const GATE_CODE: Bytes = bytes!("60043564123456789014600e57005bfe");
/// Without calldata, says whether what it holds is not 42; else holds the first argument.
const BOX_CODE: Bytes = bytes!("366010575f54602a14155f5260205ff35b6004355f5500");

fn state() -> State {
    let mut state = State::default();
    for person in [ALICE, BOB] {
        state.fund(person, U256::from(10).pow(U256::from(20)));
    }
    state.place(GATE, 1, GATE_CODE, []);
    state.place(BOX, 1, BOX_CODE, []);
    state
}

fn plan(calls: u64, seed: u64) -> Plan {
    let function = |contract, signature| Function::new(contract, signature, bytes!("01020304"), false, false).unwrap();
    Plan {
        gas: 1_000_000,
        block_gas: 1_000_000,
        calls,
        seed,
        length: 10,
        accounts: vec![ALICE, BOB],
        functions: vec![function(GATE, "knock(uint256)"), function(BOX, "put(uint64)")],
        contracts: vec![GATE, BOX],
        properties: vec![Property { to: BOX, data: Bytes::new(), boolean: true }],
        ..Plan::default()
    }
}

fn search(plan: &Plan) -> Harvest {
    run(state().top, &block::rules(SpecId::PRAGUE, 1), plan)
}

#[test]
fn an_operand_of_a_comparison_opens_the_gate() {
    let found = search(&Plan { words: Vec::new(), ..plan(300, 1) });
    let gate = |failure: &Failure| matches!(failure, Failure::Assertion { contract: GATE, function: Some(0), .. });
    let suspect = found.suspects.iter().find(|suspect| gate(&suspect.failure)).unwrap();
    let last = suspect.steps.last().unwrap();
    assert_eq!((last.to, U256::from_be_slice(&last.data[4..])), (GATE, U256::from(0x12_3456_7890_u64)));
}

#[test]
fn a_broken_property_is_told_once_with_the_steps_that_break_it() {
    let found = search(&plan(1000, 2));
    let broken: Vec<_> = found.suspects.iter().filter(|suspect| suspect.failure == Failure::Property(0)).collect();
    assert_eq!(broken.len(), 1);
    let last = broken[0].steps.last().unwrap();
    assert_eq!((last.to, U256::from_be_slice(&last.data[4..])), (BOX, U256::from(42)));
}

#[test]
fn the_same_seed_finds_the_same_and_no_sequence_is_too_long() {
    let (one, again, other) = (search(&plan(500, 3)), search(&plan(500, 3)), search(&plan(500, 4)));
    assert_eq!(one, again);
    assert_ne!(one.interesting, other.interesting);
    assert!(one.interesting.iter().all(|steps| steps.len() <= 10));
    assert_eq!(one.calls, 500);
    assert_eq!(one.usage.iter().map(|usage| usage.calls).sum::<u64>(), 500);
}

#[test]
fn what_the_caller_gives_is_executed_first() {
    let suspect =
        search(&plan(1000, 2)).suspects.into_iter().find(|each| each.failure == Failure::Property(0)).unwrap();
    let calls = u64::try_from(suspect.steps.len()).unwrap();
    let found = search(&Plan { corpus: vec![suspect.steps.clone()], ..plan(calls, 9) });
    assert_eq!(found.suspects, [suspect]);
}

#[test]
fn a_plan_without_functions_ends_at_once() {
    let found = search(&Plan { functions: Vec::new(), ..plan(500, 1) });
    assert_eq!((found.calls, found.suspects.len()), (0, 0));
}
