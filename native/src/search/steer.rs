//! What comparisons tell of the values that would have turned them: the words of a call that stand on one side of a
//! comparison are replaced by the other side (input to state), or moved by the difference.

use super::call::Call;
use super::plan::{Clock, Plan};
use super::rng::mix;
use super::values::{extended, fit};
use super::watch::Compared;
use alloy_dyn_abi::DynSolValue;
use revm::primitives::{Address, B256, Bytes, FixedBytes, I256, U256, keccak256};

/// Comparisons that are told apart.
const SITES: usize = 1 << 16;
/// What is tried of one execution.
const TRIALS: usize = 128;
/// Longest wait that is tried, in seconds.
const LONGEST: u64 = 1 << 32;

/// A change of one part of a call.
#[derive(Clone, Debug)]
pub enum Change {
    /// A value among its arguments, by its place, becomes a word.
    Word(usize, U256),
    /// A text among its arguments, by its place, becomes another one.
    Text(usize, Bytes),
    /// The wei.
    Value(U256),
    /// The wait.
    Wait(u64),
    /// The sender's place.
    Sender(usize),
}

/// A change of the call that was executed, or of one so many steps before it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Steps back.
    pub back: usize,
    /// What to change.
    pub change: Change,
}

/// How each comparison came out so far.
pub struct Sites(Vec<(u8, u16)>); // outcomes as bits, and the least distance in bits

impl Default for Sites {
    fn default() -> Self {
        Self(vec![(0, u16::MAX); SITES])
    }
}

impl Sites {
    fn at(&mut self, site: u64) -> Option<&mut (u8, u16)> {
        let [low, high, ..] = mix(site).to_le_bytes();
        self.0.get_mut(usize::from(u16::from_le_bytes([low, high])))
    }

    /// Take in comparisons; true if one that always came out the same way came nearer to the other.
    pub fn nearer(&mut self, compared: &[Compared]) -> bool {
        let mut nearer = false;
        for each in compared {
            let Some((outcomes, least)) = self.at(each.site) else { continue };
            *outcomes |= 1 << u8::from(each.outcome);
            if *outcomes != 3 {
                let bits = u16::try_from(each.left.abs_diff(each.right).bit_len()).unwrap_or(u16::MAX);
                if bits < *least {
                    nearer |= *least != u16::MAX;
                    *least = bits;
                }
            }
        }
        nearer
    }

    /// Whether a comparison always came out the same way.
    pub fn open(&mut self, site: u64) -> bool {
        self.at(site).is_some_and(|(outcomes, _)| *outcomes != 3)
    }
}

/// What was executed, for [`trials`].
pub struct Executed<'e> {
    /// The call, and the ones before it, the youngest first.
    pub calls: &'e [Call],
    /// When.
    pub clock: Clock,
    /// What was compared.
    pub compared: &'e [Compared],
    /// What was hashed.
    pub hashed: &'e [(B256, Bytes)],
}

/// Changes that may turn comparisons which always came out the same way.
pub fn trials(plan: &Plan, sites: &mut Sites, executed: &Executed<'_>) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut done = Vec::new();
    for each in executed.compared.iter().rev() {
        if trials.len() >= TRIALS {
            break;
        }
        if done.contains(&each.site) || !sites.open(each.site) {
            continue;
        }
        done.push(each.site);
        let direct = trials.len();
        for (have, want) in [(each.left, each.right), (each.right, each.left)] {
            replace(plan, executed, have, want, &mut trials);
        }
        if trials.len() == direct {
            shift(plan, executed, each, &mut trials);
        }
    }
    trials.truncate(TRIALS);
    trials
}

/// Put `want` wherever `have` came from.
fn replace(plan: &Plan, executed: &Executed<'_>, have: U256, want: U256, trials: &mut Vec<Trial>) {
    let around = [want, want.wrapping_add(U256::ONE), want.wrapping_sub(U256::ONE)];
    for (back, call) in executed.calls.iter().enumerate() {
        let mut add = |change| trials.push(Trial { back, change });
        for (place, leaf) in leaves(&call.arguments).into_iter().enumerate() {
            match leaf {
                DynSolValue::Bytes(text) if keccak256(text) == B256::from(have) => {
                    texts(executed, place, want, &mut add);
                }
                DynSolValue::String(text) if keccak256(text) == B256::from(have) => {
                    texts(executed, place, want, &mut add);
                }
                leaf if word(leaf) == Some(have) => around.into_iter().for_each(|want| add(Change::Word(place, want))),
                _ => {}
            }
        }
        let payable = plan.functions.get(call.function).is_some_and(|function| function.payable);
        if payable && call.value == have {
            for want in around {
                add(Change::Value(want));
            }
        }
        let senders = [plan.accounts.get(call.sender).map(Address::into_word)];
        if senders.contains(&Some(B256::from(have))) {
            let wanted = plan.accounts.iter().position(|account| account.into_word() == B256::from(want));
            if let Some(place) = wanted {
                add(Change::Sender(place));
            }
        }
        if back == 0 && U256::from(executed.clock.now) == have {
            for moment in around {
                let now = executed.clock.now - call.wait;
                let ahead = u64::try_from(moment).ok().and_then(|moment| moment.checked_sub(now));
                if let Some(ahead) = ahead.filter(|ahead| *ahead < LONGEST) {
                    add(Change::Wait(ahead));
                }
            }
        }
    }
}

fn texts(executed: &Executed<'_>, place: usize, want: U256, add: &mut impl FnMut(Change)) {
    let known = executed.hashed.iter().find(|(hash, _)| *hash == B256::from(want));
    if let Some((_, text)) = known {
        add(Change::Text(place, text.clone()));
    }
}

/// Move whatever may count by the difference.
fn shift(plan: &Plan, executed: &Executed<'_>, compared: &Compared, trials: &mut Vec<Trial>) {
    let Some(call) = executed.calls.first() else { return };
    let difference = compared.left.wrapping_sub(compared.right);
    let distance = compared.left.abs_diff(compared.right);
    let mut add = |change| trials.push(Trial { back: 0, change });
    for (place, leaf) in leaves(&call.arguments).into_iter().enumerate().take(8) {
        if let DynSolValue::Uint(number, _) = leaf {
            add(Change::Word(place, number.wrapping_add(difference)));
            add(Change::Word(place, number.wrapping_sub(difference)));
        }
    }
    if plan.functions.get(call.function).is_some_and(|function| function.payable) {
        add(Change::Value(call.value.wrapping_add(difference)));
        add(Change::Value(call.value.wrapping_sub(difference)));
    }
    if let Ok(seconds) = u64::try_from(distance)
        && seconds < LONGEST
    {
        add(Change::Wait(call.wait + seconds));
        add(Change::Wait(call.wait + seconds + 1));
    }
}

/// A call with a change; none where the change cannot be.
pub fn changed(call: &Call, change: &Change) -> Option<Call> {
    let mut call = call.clone();
    match change {
        Change::Word(place, word) => put(&mut call.arguments, *place, &|leaf| set(leaf, *word))?,
        Change::Text(place, text) => put(&mut call.arguments, *place, &|leaf| write(leaf, text))?,
        Change::Value(wei) => call.value = *wei,
        Change::Wait(wait) => call.wait = *wait,
        Change::Sender(sender) => call.sender = *sender,
    }
    Some(call)
}

fn inner(value: &DynSolValue) -> Option<&[DynSolValue]> {
    match value {
        DynSolValue::Tuple(inner) | DynSolValue::Array(inner) | DynSolValue::FixedArray(inner) => Some(inner),
        _ => None,
    }
}

/// Values that hold no others, in order.
fn leaves(values: &[DynSolValue]) -> Vec<&DynSolValue> {
    values.iter().flat_map(|value| inner(value).map_or_else(|| vec![value], leaves)).collect()
}

/// Do something with the value at a place among [`leaves`].
fn put(values: &mut [DynSolValue], place: usize, act: &dyn Fn(&mut DynSolValue) -> Option<()>) -> Option<()> {
    let mut left = place;
    for value in values {
        let size = inner(value).map_or(1, |inner| leaves(inner).len());
        if left < size {
            return match value {
                DynSolValue::Tuple(inner) | DynSolValue::Array(inner) | DynSolValue::FixedArray(inner) => {
                    put(inner, left, act)
                }
                leaf => act(leaf),
            };
        }
        left -= size;
    }
    None
}

/// A value as the EVM compares it.
fn word(value: &DynSolValue) -> Option<U256> {
    value.as_word().map(Into::into)
}

fn set(value: &mut DynSolValue, word: U256) -> Option<()> {
    match value {
        DynSolValue::Bool(flag) => *flag = !word.is_zero(),
        DynSolValue::Uint(number, bits) if fit(word, *bits) == word => *number = word,
        DynSolValue::Int(number, bits) if extended(word, *bits) == word => *number = I256::from_raw(word),
        DynSolValue::Address(address) if fit(word, 160) == word => *address = Address::from_word(word.into()),
        DynSolValue::FixedBytes(fixed, size) => {
            *fixed = FixedBytes::right_padding_from(word.to_be_bytes::<32>().get(..*size)?);
        }
        _ => return None,
    }
    Some(())
}

fn write(value: &mut DynSolValue, text: &[u8]) -> Option<()> {
    match value {
        DynSolValue::Bytes(bytes) => *bytes = text.to_vec(),
        DynSolValue::String(string) => *string = String::from_utf8(text.to_vec()).ok()?,
        _ => return None,
    }
    Some(())
}
