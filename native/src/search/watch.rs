//! What the EVM does while it runs, seen by its own instructions: jumps, stores, comparisons, hashes, failed assertions.

use super::rng::mix;
use crate::transfers::Context;
use revm::bytecode::opcode;
use revm::handler::instructions::EthInstructions;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{InputsTr, Jumps, LegacyBytecode, MemoryTr};
use revm::interpreter::{
    Instruction, InstructionContext, InstructionExecResult, Interpreter,
    instructions::{arithmetic, bitwise, block_info, control, host, system},
};
use revm::primitives::{Address, B256, Bytes, U256};

/// Places in the map of what was seen, of a byte each: first jumps, then stores.
pub const PLACES: usize = 2 * JUMPS;
/// Places for jumps.
pub const JUMPS: usize = 1 << 16;
/// Comparisons that are kept of one execution.
const COMPARISONS: usize = 1024;
/// Hashes that are kept of one execution, and how long what they are of may be.
const HASHES: (usize, usize) = (64, 1024);
/// Revert data of `assert(false)`: `Panic(uint256)` with 1.
const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];

type Ctx<'a> = Context<'a, Watch>;
type Given<'g, 'a> = InstructionContext<'g, Ctx<'a>, EthInterpreter>;

/// Two words that were compared.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// Where: the code and the place in it, mixed.
    pub site: u64,
    /// The upper word of the stack.
    pub left: U256,
    /// The one below.
    pub right: U256,
    /// What the comparison says.
    pub outcome: bool,
}

/// What was seen of one execution.
#[derive(Debug)]
pub struct Watch {
    /// Whether to look away.
    pub idle: bool,
    hits: Vec<u8>,
    /// Places in the map that were hit.
    pub touched: Vec<usize>,
    /// Comparisons, in order.
    pub compared: Vec<Compared>,
    /// Hashes and what they are of.
    pub hashed: Vec<(B256, Bytes)>,
    /// The innermost failed assertion: whose, and where in the code.
    pub failed: Option<(Address, usize)>,
    /// Whether the time, the number of the block or the like was read.
    pub clock: bool,
    /// Whether a balance of wei was read.
    pub funds: bool,
}

impl Default for Watch {
    fn default() -> Self {
        let hits = vec![0; PLACES];
        let (touched, compared, hashed) = (Vec::new(), Vec::new(), Vec::new());
        Self { idle: false, hits, touched, compared, hashed, failed: None, clock: false, funds: false }
    }
}

impl Watch {
    /// Forget the execution before.
    pub fn clear(&mut self) {
        for place in self.touched.drain(..) {
            if let Some(hit) = self.hits.get_mut(place) {
                *hit = 0;
            }
        }
        self.compared.clear();
        self.hashed.clear();
        (self.failed, self.clock, self.funds) = (None, false, false);
    }

    /// Places that were hit, each with how often, in classes that double.
    pub fn seen(&self) -> impl Iterator<Item = (usize, u8)> {
        self.touched.iter().map(|place| {
            let hits = self.hits.get(*place).copied().unwrap_or_default();
            (*place, 1 << (8 - hits.leading_zeros()).saturating_sub(1))
        })
    }

    fn hit(&mut self, first: usize, what: u64) {
        let [low, high, ..] = mix(what).to_le_bytes();
        let place = first + usize::from(u16::from_le_bytes([low, high]));
        if let Some(hit) = self.hits.get_mut(place) {
            if *hit == 0 {
                self.touched.push(place);
            }
            *hit = hit.saturating_add(1);
        }
    }
}

/// Which code runs, and where in it: the place after the instruction.
fn site(interpreter: &Interpreter<EthInterpreter>) -> u64 {
    let code = interpreter.bytecode.hash().unwrap_or_default();
    let [one, two, three, four, ..] = code.0;
    let code = u32::from_le_bytes([one, two, three, four]);
    (u64::from(code) << 32) | u64::try_from(interpreter.bytecode.pc()).unwrap_or_default()
}

/// Put what watches in the place of instructions.
pub fn watched<'a>(table: &mut EthInstructions<EthInterpreter, Ctx<'a>>) {
    let gas = *table.gas_table();
    let mut put = |code: u8, run: fn(Given<'_, 'a>) -> InstructionExecResult| {
        let gas = gas.get(usize::from(code)).copied().unwrap_or_default();
        table.insert_instruction(code, Instruction::new(run), gas);
    };
    put(opcode::JUMP, jump);
    put(opcode::JUMPI, jumpi);
    put(opcode::LT, less);
    put(opcode::GT, greater);
    put(opcode::SLT, signed_less);
    put(opcode::SGT, signed_greater);
    put(opcode::EQ, equal);
    put(opcode::SUB, subtract);
    put(opcode::XOR, differ);
    put(opcode::SSTORE, store);
    put(opcode::KECCAK256, hash);
    put(opcode::REVERT, revert);
    put(opcode::INVALID, invalid);
    put(opcode::TIMESTAMP, timestamp);
    put(opcode::NUMBER, number);
    put(opcode::DIFFICULTY, randomness);
    put(opcode::BLOCKHASH, blockhash);
    put(opcode::BALANCE, balance);
    put(opcode::SELFBALANCE, own_balance);
}

/// An instruction that is seen by `$see` before it runs.
macro_rules! watch {
    ($name:ident, $run:path, $see:expr) => {
        fn $name(context: Given<'_, '_>) -> InstructionExecResult {
            let InstructionContext { interpreter, host } = context;
            let see: fn(&Interpreter<EthInterpreter>, &mut Watch) = $see;
            if !host.chain.idle {
                see(interpreter, &mut host.chain);
            }
            $run(InstructionContext { interpreter, host })
        }
    };
}

/// An instruction that reads what a property may depend on.
macro_rules! read {
    ($name:ident, $run:path, $what:ident) => {
        fn $name(context: Given<'_, '_>) -> InstructionExecResult {
            context.host.chain.$what = true;
            $run(context)
        }
    };
}

watch!(jump, control::jump, |interpreter, watch| {
    if let [.., target] = interpreter.stack.data().as_slice() {
        watch.hit(0, site(interpreter).wrapping_mul(31).wrapping_add(target.as_limbs()[0]));
    }
});
watch!(jumpi, control::jumpi, |interpreter, watch| {
    if let [.., condition, _] = interpreter.stack.data().as_slice() {
        watch.hit(0, site(interpreter).wrapping_mul(2).wrapping_add(u64::from(condition.is_zero())));
    }
});
watch!(less, bitwise::lt, |interpreter, watch| compare(interpreter, watch, |left, right| left < right));
watch!(greater, bitwise::gt, |interpreter, watch| compare(interpreter, watch, |left, right| left > right));
watch!(signed_less, bitwise::slt, |interpreter, watch| compare(interpreter, watch, |left, right| {
    flip(left) < flip(right)
}));
watch!(signed_greater, bitwise::sgt, |interpreter, watch| compare(interpreter, watch, |left, right| {
    flip(left) > flip(right)
}));
watch!(equal, bitwise::eq, |interpreter, watch| compare(interpreter, watch, |left, right| left == right));
watch!(subtract, arithmetic::sub, |interpreter, watch| {
    if decides(interpreter) {
        compare(interpreter, watch, |left, right| left == right);
    }
});
watch!(differ, bitwise::bitxor, |interpreter, watch| {
    if decides(interpreter) {
        compare(interpreter, watch, |left, right| left == right);
    }
});
watch!(store, host::sstore, |interpreter, watch| {
    if let [.., value, _] = interpreter.stack.data().as_slice() {
        watch.hit(JUMPS, site(interpreter).wrapping_mul(1021).wrapping_add(class(*value)));
    }
});
watch!(hash, system::keccak256, |interpreter, watch| {
    let (most, longest) = HASHES;
    if let [.., size, at] = interpreter.stack.data().as_slice()
        && watch.hashed.len() < most
        && let Some(data) = memory(interpreter, *at, *size, longest)
    {
        watch.hashed.push((revm::primitives::keccak256(&data), data));
    }
});
watch!(revert, control::revert, |interpreter, watch| {
    if watch.failed.is_none()
        && let [.., size, at] = interpreter.stack.data().as_slice()
        && *size == U256::from(36)
        && let Some(data) = memory(interpreter, *at, *size, 36)
        && data.starts_with(&PANIC)
        && data.ends_with(&U256::ONE.to_be_bytes::<32>())
    {
        watch.failed = Some((interpreter.input.target_address(), interpreter.bytecode.pc()));
    }
});
watch!(invalid, control::invalid, |interpreter, watch| {
    if watch.failed.is_none() {
        watch.failed = Some((interpreter.input.target_address(), interpreter.bytecode.pc()));
    }
});
read!(timestamp, block_info::timestamp, clock);
read!(number, block_info::block_number, clock);
read!(randomness, block_info::difficulty, clock);
read!(blockhash, host::blockhash, clock);
read!(balance, host::balance, funds);
read!(own_balance, host::selfbalance, funds);

fn compare(interpreter: &Interpreter<EthInterpreter>, watch: &mut Watch, holds: fn(U256, U256) -> bool) {
    if let [.., right, left] = interpreter.stack.data().as_slice()
        && watch.compared.len() < COMPARISONS
    {
        let (left, right) = (*left, *right);
        watch.compared.push(Compared { site: site(interpreter), left, right, outcome: holds(left, right) });
    }
}

/// Order signed words as unsigned ones.
fn flip(word: U256) -> U256 {
    word ^ (U256::ONE << 255)
}

/// Whether the result of this instruction is only asked whether it is zero.
fn decides(interpreter: &Interpreter<EthInterpreter>) -> bool {
    let code = interpreter.bytecode.bytecode_slice();
    let next = interpreter.bytecode.pc();
    match code.get(next) {
        Some(&opcode::ISZERO) => true,
        Some(&push @ opcode::PUSH1..=opcode::PUSH3) => {
            code.get(next + usize::from(push - opcode::PUSH1) + 2) == Some(&opcode::JUMPI)
        }
        _ => false,
    }
}

/// How large a word is: the small ones each, the others by their bits in eights.
fn class(word: U256) -> u64 {
    let bits = u64::try_from(word.bit_len()).unwrap_or_default();
    if bits <= 2 { word.as_limbs()[0] } else { 4 + bits / 8 }
}

/// A piece of memory, if it is written already and not too long.
fn memory(interpreter: &Interpreter<EthInterpreter>, at: U256, size: U256, longest: usize) -> Option<Bytes> {
    let (at, size) = (usize::try_from(at).ok()?, usize::try_from(size).ok()?);
    let end = at.checked_add(size)?;
    (size <= longest && end <= interpreter.memory.size())
        .then(|| Bytes::copy_from_slice(&interpreter.memory.slice_len(at, size)))
}
