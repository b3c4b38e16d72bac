//! Values of Solidity's types that are worth trying.

use super::plan::Plan;
use super::rng::Rng;
use super::secrets::Secrets;
use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::Function;
use revm::bytecode::opcode;
use revm::primitives::{Address, FixedBytes, I256, U256, hex, keccak256};
use std::collections::BTreeSet;

/// Words that are kept of what was seen lately.
const RECENT: usize = 512;
/// Words of code and caller that are kept.
const CONSTANTS: usize = 4096;
/// One ether in wei.
const ETHER: u64 = 1_000_000_000_000_000_000;
/// Seconds: a block, an hour, a day, a week, 30 days, a year.
pub const WAITS: [u64; 7] = [1, 12, 3600, 86_400, 604_800, 2_592_000, 31_536_000];

/// What there is to draw from.
pub struct Values {
    constants: Vec<U256>,
    recent: Vec<U256>,
    known: BTreeSet<U256>,
    next: usize,
    addresses: Vec<Address>,
    /// What may be committed to.
    pub secrets: Secrets,
    /// Unix seconds, now.
    pub now: u64,
}

impl Values {
    /// The plan's words and addresses, and the constants of its contracts' code.
    pub fn new<'c>(plan: &Plan, codes: impl Iterator<Item = &'c [u8]>) -> Self {
        let constants: BTreeSet<U256> = codes.flat_map(pushed).chain(plan.words.iter().copied()).collect();
        let constants: Vec<U256> = constants.into_iter().take(CONSTANTS).collect();
        let puppet = plan.puppet.iter().map(|(puppet, _)| *puppet);
        let addresses = plan.accounts.iter().copied().chain(puppet).chain(plan.contracts.iter().copied());
        let mut addresses: Vec<Address> = addresses.collect();
        addresses.push(Address::ZERO);
        let (recent, known) = (Vec::new(), BTreeSet::new());
        Self { constants, recent, known, next: 0, addresses, secrets: Secrets::default(), now: plan.clock.now }
    }

    /// Remember a word that was seen.
    pub fn saw(&mut self, word: U256) {
        if !self.known.insert(word) {
            return;
        }
        if self.recent.len() < RECENT {
            self.recent.push(word);
        } else if let Some(old) = self.recent.get_mut(self.next) {
            self.known.remove(&std::mem::replace(old, word));
            self.next = (self.next + 1) % RECENT;
        }
    }

    /// Make up something to commit to.
    pub fn invent(&mut self, rng: &mut Rng, holder: Address) {
        let number = self.number(rng, 256);
        self.secrets.invent(rng, number, holder);
    }

    /// Remember the words of an answer or an event.
    pub fn saw_all(&mut self, data: &[u8]) {
        for word in data.chunks_exact(32).take(16) {
            self.saw(U256::from_be_slice(word));
        }
    }

    /// A value of a type.
    pub fn value(&self, rng: &mut Rng, kind: &DynSolType) -> DynSolValue {
        match kind {
            DynSolType::Bool => DynSolValue::Bool(rng.percent(50)),
            DynSolType::Int(bits) => DynSolValue::Int(I256::from_raw(extended(self.signed(rng, *bits), *bits)), *bits),
            DynSolType::Uint(bits) => DynSolValue::Uint(fit(self.number(rng, *bits), *bits), *bits),
            DynSolType::FixedBytes(size) => DynSolValue::FixedBytes(self.fixed(rng, *size), *size),
            DynSolType::Address => DynSolValue::Address(self.address(rng)),
            DynSolType::Function => {
                DynSolValue::Function(Function::right_padding_from(self.fixed(rng, 24).get(..24).unwrap_or_default()))
            }
            DynSolType::Bytes => DynSolValue::Bytes(self.bytes(rng)),
            DynSolType::String => DynSolValue::String(self.text(rng)),
            DynSolType::Array(of) => {
                let size = rng.below(4);
                DynSolValue::Array((0..size).map(|_| self.value(rng, of)).collect())
            }
            DynSolType::FixedArray(of, size) => {
                DynSolValue::FixedArray((0..*size).map(|_| self.value(rng, of)).collect())
            }
            DynSolType::Tuple(kinds) => DynSolValue::Tuple(kinds.iter().map(|kind| self.value(rng, kind)).collect()),
        }
    }

    /// Somebody's address.
    pub fn address(&self, rng: &mut Rng) -> Address {
        if rng.percent(2) {
            return Address::from_word(rng.word(160).into());
        }
        rng.pick(&self.addresses).copied().unwrap_or_default()
    }

    /// Wei to send, of what an account has.
    pub fn wei(&self, rng: &mut Rng, balance: U256) -> U256 {
        let wei = match rng.below(10) {
            0..4 => U256::ZERO,
            4 => U256::from(1 + rng.below(100)),
            5 => U256::from(ETHER),
            6 => U256::from(ETHER / (1 + rng.next() % 1000)),
            7 => balance >> rng.below(64),
            8 => rng.pick(&self.constants).copied().unwrap_or_default(),
            _ => rng.pick(&self.recent).copied().unwrap_or_default(),
        };
        if wei > balance { U256::ZERO } else { wei }
    }

    /// Seconds to wait, mostly none.
    pub fn wait(&self, rng: &mut Rng) -> u64 {
        if rng.percent(80) {
            return 0;
        }
        let word = match rng.below(4) {
            0 | 1 => return rng.pick(&WAITS).copied().unwrap_or_default(),
            2 => rng.pick(&self.constants),
            _ => rng.pick(&self.recent),
        };
        let Ok(word) = u64::try_from(word.copied().unwrap_or_default()) else { return 0 };
        let wait = if word >= self.now { word - self.now } else { word };
        let wait = (wait + rng.next() % 3).saturating_sub(1);
        if wait < 1 << 32 { wait } else { 0 }
    }

    fn number(&self, rng: &mut Rng, bits: usize) -> U256 {
        let most = U256::MAX >> (256 - bits.min(256));
        match rng.below(20) {
            0..4 => U256::from(rng.below(4)),
            4 | 5 => U256::from(rng.below(256)),
            6 => most - U256::from(rng.below(2)),
            7 => {
                let power = U256::ONE << rng.below(bits.min(256));
                near(rng, power)
            }
            8..12 => {
                let word = rng.pick(&self.constants).copied().unwrap_or_default();
                near(rng, word)
            }
            12..16 => {
                let word = rng.pick(&self.recent).copied().unwrap_or_default();
                near(rng, word)
            }
            16 => U256::from(self.now.wrapping_add(WAITS.get(rng.below(8)).copied().unwrap_or_default())),
            17 => U256::from(ETHER) * U256::from(1 + rng.below(1000)),
            _ => {
                let bits = 1 + rng.below(bits);
                rng.word(bits)
            }
        }
    }

    fn signed(&self, rng: &mut Rng, bits: usize) -> U256 {
        let number = self.number(rng, bits);
        match rng.below(6) {
            0 => U256::ZERO.wrapping_sub(number),
            1 => near(rng, U256::ONE << (bits.clamp(1, 256) - 1)),
            _ => number,
        }
    }

    fn fixed(&self, rng: &mut Rng, size: usize) -> FixedBytes<32> {
        let word = match rng.below(8) {
            0 => U256::ZERO,
            1 => rng.word(256),
            2 => U256::from_be_bytes(keccak256(self.number(rng, 256).to_be_bytes::<32>()).0),
            3 | 4 => rng.pick(&self.constants).copied().unwrap_or_default(),
            _ => rng.pick(&self.recent).copied().unwrap_or_default(),
        };
        FixedBytes::right_padding_from(word.to_be_bytes::<32>().get(..size).unwrap_or_default())
    }

    fn bytes(&self, rng: &mut Rng) -> Vec<u8> {
        match rng.below(6) {
            0 => Vec::new(),
            1..4 => self.fixed(rng, 32).to_vec(),
            4 => (0..rng.below(100)).map(|_| rng.next().to_le_bytes()[0]).collect(),
            _ => self.address(rng).to_vec(),
        }
    }

    fn text(&self, rng: &mut Rng) -> String {
        match rng.below(4) {
            0 => String::new(),
            1 => hex::encode(self.fixed(rng, 32)),
            2 => hex::encode_prefixed(self.fixed(rng, 32)),
            _ => (0..rng.below(40)).map(|_| char::from(b' ' + rng.next().to_le_bytes()[0] % 95)).collect(),
        }
    }
}

/// A word or one beside it.
fn near(rng: &mut Rng, word: U256) -> U256 {
    match rng.below(6) {
        0 => word.wrapping_add(U256::ONE),
        1 => word.wrapping_sub(U256::ONE),
        _ => word,
    }
}

/// The lower bits of a word.
pub fn fit(word: U256, bits: usize) -> U256 {
    word & (U256::MAX >> (256 - bits.clamp(1, 256)))
}

/// A signed number of so many bits as a word.
pub fn extended(word: U256, bits: usize) -> U256 {
    let bits = bits.clamp(1, 256);
    let low = fit(word, bits);
    if low.bit(bits - 1) && bits < 256 { low | (U256::MAX << bits) } else { low }
}

/// The constants of a code that no jump goes to and that select no function.
fn pushed(code: &[u8]) -> impl Iterator<Item = U256> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let operation = *code.get(at)?;
            let size = match operation {
                opcode::PUSH1..=opcode::PUSH32 => usize::from(operation - opcode::PUSH1) + 1,
                _ => 0,
            };
            let word = code.get(at + 1..at + 1 + size);
            at += 1 + size;
            let next = code.get(at).copied().unwrap_or_default();
            let selects = size == 4 && next == opcode::EQ;
            if let Some(word) = word.filter(|_| size > 0 && !selects && !matches!(next, opcode::JUMP | opcode::JUMPI)) {
                return Some(U256::from_be_slice(word));
            }
        }
    })
}
