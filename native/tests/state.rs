//! Snapshots against a model: a plain map that is cloned.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
use revm::primitives::{Address, Bytes, U256};
use slashpoint_revm::state::State;
use std::collections::HashMap;

/// A xorshift generator: enough to mix operations.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn address(number: u64) -> Address {
    Address::left_padding_from(&number.to_be_bytes())
}

#[test]
fn snapshots_behave_like_clones() {
    for seed in 1..=50 {
        let mut dice = Dice(seed);
        let (mut state, mut model) = (State::default(), HashMap::new());
        let mut marks: Vec<(u64, HashMap<_, _>)> = Vec::new();
        for _ in 0..600 {
            match dice.below(10) {
                0..6 => {
                    let (who, slot, value) = (address(dice.below(20)), U256::from(dice.below(5)), dice.below(100));
                    state.fund(who, U256::from(value));
                    state.top.insert_account_storage(who, slot, U256::from(value)).unwrap();
                    model.insert((who, None), value);
                    model.insert((who, Some(slot)), value);
                }
                6..9 => marks.push((state.snapshot(), model.clone())),
                _ if !marks.is_empty() => {
                    marks.truncate(usize::try_from(dice.below(marks.len() as u64)).unwrap() + 1);
                    let (name, kept) = marks.last().unwrap();
                    assert!(state.restore(*name));
                    model = kept.clone();
                }
                _ => {}
            }
            assert!(state.depth() < 16, "seed {seed}: {} layers", state.depth());
        }
        for ((who, slot), value) in &model {
            let found = slot.map_or_else(|| state.account(*who).balance, |slot| state.storage(*who, slot));
            assert_eq!(found, U256::from(*value), "seed {seed}: {who} {slot:?}");
        }
    }
}

#[test]
fn forgotten_snapshots_cannot_be_restored() {
    let mut state = State::default();
    let (old, young) = (state.snapshot(), state.snapshot());
    assert!(state.restore(young) && state.restore(old) && state.restore(old));
    assert!(!state.restore(young));
    assert!(!state.restore(0));
    assert_ne!(state.snapshot(), young, "names are not given twice");
}

#[test]
fn a_copy_goes_its_own_way() {
    let mut state = State::default();
    state.fund(address(1), U256::from(5));
    let mut twin = state.copy();
    state.fund(address(1), U256::from(6));
    twin.fund(address(2), U256::from(7));
    assert_eq!((state.account(address(1)).balance, twin.account(address(1)).balance), (U256::from(6), U256::from(5)));
    assert_eq!((state.account(address(2)).balance, twin.account(address(2)).balance), (U256::ZERO, U256::from(7)));
    assert!(!twin.restore(1), "snapshots stay behind");
}

#[test]
fn what_is_placed_replaces_what_was_there_and_all_of_it_is_listed() {
    let mut state = State::default();
    let word = U256::from::<u64>;
    state.fund(address(1), word(5));
    state.place(address(1), 7, Bytes::from_static(&[0xfe]), [(word(1), word(2)), (word(3), word(4))]);
    let before = state.snapshot();
    state.place(address(1), 8, Bytes::from_static(&[0xfd]), [(word(3), word(6)), (word(9), word(0))]);
    state.fund(address(2), word(0));
    state.place(address(3), 0, Bytes::new(), [(word(1), word(1))]);
    let shown = |state: &State| -> Vec<_> {
        let all = state.accounts().into_iter();
        all.map(|it| (it.0, it.1.balance, it.1.nonce, it.2.original_bytes(), it.3)).collect()
    };
    let first = (address(1), word(5), 8, Bytes::from_static(&[0xfd]), [(word(3), word(6))].into());
    let third = (address(3), word(0), 0, Bytes::new(), [(word(1), word(1))].into());
    assert_eq!(shown(&state), [first, third]);
    assert_eq!(state.storage(address(1), word(1)), word(0));
    state.restore(before);
    let old = (address(1), word(5), 7, Bytes::from_static(&[0xfe]), [(word(1), word(2)), (word(3), word(4))].into());
    assert_eq!(shown(&state), [old]);
}
