//! The loop: take a state that was seen, call something, watch, and keep what is new.

use super::call::{Call, Way};
use super::frontier::Frontier;
use super::harvest::{Failure, Gain, Harvest, Suspect, Usage};
use super::machine::{Machine, Ran};
use super::mutation::{Drawer, mutated};
use super::plan::{Clock, Plan, Step};
use super::rng::Rng;
use super::steer::{Executed, Sites, Trial, changed, trials};
use super::values::Values;
use super::views::{Views, word};
use super::watch::{JUMPS, PLACES};
use crate::block::Status;
use crate::state::Top;
use revm::context::CfgEnv;
use revm::database_interface::DatabaseRef;
use revm::primitives::{Bytes, U256, hex};
use std::collections::BTreeSet;

mod tree;
mod watching;

/// States that are kept whole.
const STATES: usize = 4096;
/// Kinds of reverts that are told apart, and how much of their data is.
const REVERTS: (usize, usize) = (4096, 200);
/// Of so many calls one is looked at though it did nothing new: what comparisons tell depends on what came before.
const SAMPLE: usize = 1024;
/// Steps before a call that comparisons may change.
const BACK: usize = 8;
/// `balanceOf(address)`.
const BALANCE_OF: [u8; 4] = hex!("70a08231");

/// A state that was seen, and how it was reached.
struct Node {
    parent: usize,
    step: Step,
    depth: usize,
    clock: Clock,
    top: Option<Top>, // none where it is only on the way to others
    worth: Vec<U256>,
    picks: usize,
}

/// A call that did something new, and the state in which it did.
struct Seed {
    node: usize,
    call: Call,
    picks: usize,
    trials: Vec<Trial>, // the last is next
}

/// What came of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    /// The state is as before.
    Nothing,
    /// The state is another one.
    Changed,
    /// Something is broken: nothing is to follow.
    Broken,
}

struct Campaign<'a> {
    plan: &'a Plan,
    machine: Machine<'a>,
    rng: Rng,
    values: Values,
    drawer: Drawer,
    views: Views, // properties, then balances of each account and the puppet, token by token
    nodes: Vec<Node>,
    seeds: Vec<Seed>,
    here: usize,      // the node below
    tail: Vec<Step>,  // and what came after it
    worth: Vec<U256>, // wei of all accounts, then the first token's balances ...
    seen: Vec<u8>,
    sites: Sites,
    pending: Vec<usize>, // seeds with trials
    frontier: Frontier,
    broken: BTreeSet<Failure>,
    interesting: Vec<(usize, Step)>,
    harvest: Harvest,
}

/// Search from a state.
#[must_use]
pub fn run(mut top: Top, rules: &CfgEnv, plan: &Plan) -> Harvest {
    let codes: Vec<_> = plan.contracts.iter().filter_map(|contract| code(&top, *contract)).collect();
    let values = Values::new(plan, codes.iter().map(AsRef::as_ref));
    let machine = Machine::new(&mut top, rules.clone(), plan);
    let mut campaign = Campaign::new(plan, machine, values);
    campaign.begin();
    while campaign.harvest.calls < plan.calls && !plan.functions.is_empty() && !plan.accounts.is_empty() {
        campaign.round();
    }
    campaign.finish()
}

fn code(top: &Top, address: revm::primitives::Address) -> Option<Bytes> {
    let Ok(info) = top.basic_ref(address);
    let Ok(code) = top.code_by_hash_ref(info?.code_hash);
    Some(code.original_bytes())
}

impl<'a> Campaign<'a> {
    fn new(plan: &'a Plan, machine: Machine<'a>, values: Values) -> Self {
        let mut views = Views::default();
        for property in &plan.properties {
            views.add(property.to, property.data.clone());
        }
        for token in &plan.tokens {
            for holder in plan.accounts.iter().copied().chain(plan.puppet.map(|(puppet, _)| puppet)) {
                views.add(*token, [BALANCE_OF.as_slice(), holder.into_word().as_slice()].concat().into());
            }
        }
        Self {
            plan,
            machine,
            rng: Rng::new(plan.seed),
            values,
            drawer: Drawer::new(plan),
            views,
            nodes: Vec::new(),
            seeds: Vec::new(),
            here: 0,
            tail: Vec::new(),
            worth: Vec::new(),
            seen: vec![0; PLACES],
            sites: Sites::default(),
            pending: Vec::new(),
            frontier: Frontier::default(),
            broken: BTreeSet::new(),
            interesting: Vec::new(),
            harvest: Harvest { usage: vec![Usage::default(); plan.functions.len() + 1], ..Harvest::default() },
        }
    }

    /// Look at the beginning, and execute what the caller gave.
    fn begin(&mut self) {
        let properties = self.plan.properties.len();
        let balances = self.plan.tokens.len() * (self.plan.accounts.len() + usize::from(self.plan.puppet.is_some()));
        self.weigh(&(properties..properties + balances).collect::<Vec<_>>());
        for place in 0..properties {
            if !self.holds(place) {
                self.suspect(Failure::Property(place), None);
                self.views.retire(place);
            }
        }
        let root = self.node(0, Step::default(), 0);
        self.nodes.push(root);
        let plan = self.plan;
        for sequence in &plan.corpus {
            self.go(0);
            for step in sequence.iter().take(plan.length) {
                if self.harvest.calls >= plan.calls || self.play(Call::read(plan, step), step) == Came::Broken {
                    break;
                }
            }
        }
    }

    /// Choose a state and try some calls.
    fn round(&mut self) {
        if self.rng.percent(50)
            && let Some(seed) = self.pending.pop()
        {
            return self.steer(seed);
        }
        if self.rng.percent(40)
            && let Some(seed) = self.frontier.pick(&mut self.sites, &mut self.rng)
        {
            self.vary(seed);
        } else if !self.seeds.is_empty() && self.rng.percent(50) {
            let seed =
                self.choose(|campaign, place| campaign.seeds.get(place).map(|seed| seed.picks), self.seeds.len());
            self.vary(seed);
        } else {
            let node =
                self.choose(|campaign, place| campaign.nodes.get(place).map(|node| node.picks), self.nodes.len());
            let Some(chosen) = self.nodes.get_mut(node) else { return };
            chosen.picks += 1;
            self.go(node);
            self.walk(32);
        }
    }

    /// Change a call that did something new.
    fn vary(&mut self, seed: usize) {
        let Some(seed) = self.seeds.get_mut(seed) else { return };
        seed.picks += 1;
        let (node, call) = (seed.node, seed.call.clone());
        self.go(node);
        for _ in 0..8 {
            let call = mutated(self.plan, &self.values, &mut self.rng, &self.worth, &call);
            match self.send(call) {
                Came::Nothing => {}
                Came::Changed => return self.walk(4),
                Came::Broken => return,
            }
        }
    }

    /// Do with a seed what its comparisons tell.
    fn steer(&mut self, place: usize) {
        let Some(seed) = self.seeds.get_mut(place) else { return };
        let (node, call) = (seed.node, seed.call.clone());
        let trials = seed.trials.split_off(seed.trials.len().saturating_sub(16));
        if !seed.trials.is_empty() {
            self.pending.push(place);
        }
        for Trial { back, change } in trials.into_iter().rev() {
            if back == 0 {
                self.go(node);
                if let Some(call) = changed(&call, &change) {
                    self.send(call);
                }
            } else {
                self.redo(node, &call, back, |call| changed(call, &change));
            }
        }
    }

    /// Do the last steps before a node and a call again, the first of them changed.
    fn redo(&mut self, mut node: usize, last: &Call, back: usize, change: impl Fn(&Call) -> Option<Call>) {
        let mut steps = Vec::new();
        while steps.len() < back
            && node > 0
            && let Some(Node { parent, step, .. }) = self.nodes.get(node)
        {
            steps.push(step.clone());
            node = *parent;
        }
        self.go(node);
        for (place, step) in steps.iter().rev().enumerate() {
            let call = Call::read(self.plan, step).and_then(|call| if place == 0 { change(&call) } else { Some(call) });
            if call.is_none_or(|call| self.send(call) == Came::Broken) {
                return;
            }
        }
        self.send(last.clone());
    }

    /// Call one thing after the other.
    fn walk(&mut self, most: usize) {
        if self.rng.percent(10) {
            let holder = self.rng.pick(&self.plan.accounts).copied().unwrap_or_default();
            self.values.invent(&mut self.rng, holder);
        }
        for _ in 0..=self.rng.below(most) {
            let known = if self.rng.percent(30) { self.rng.pick(&self.seeds) } else { None };
            let call = match known {
                Some(seed) => Some(mutated(self.plan, &self.values, &mut self.rng, &self.worth, &seed.call)),
                None => self.drawer.fresh(self.plan, &self.values, &mut self.rng, &self.worth),
            };
            let Some(call) = call else { return };
            if call.way == Way::Act && self.rng.percent(30) {
                self.arm(&call);
            }
            if self.send(call) == Came::Broken {
                return;
            }
        }
    }

    /// Prepare the puppet to make a call, the same one or another, while it makes this one.
    fn arm(&mut self, call: &Call) {
        let other = self.drawer.fresh(self.plan, &self.values, &mut self.rng, &self.worth);
        let armed = if self.rng.percent(60) { Some(call.clone()) } else { other };
        let way = Way::Arm(u8::try_from(1 + self.rng.below(4)).unwrap_or(1));
        if let Some(armed) = armed {
            self.send(Call { sender: call.sender, value: U256::ZERO, way, ..armed });
        }
    }

    fn send(&mut self, call: Call) -> Came {
        if self.harvest.calls >= self.plan.calls || self.depth() >= self.plan.length {
            return Came::Broken;
        }
        call.step(self.plan).map_or(Came::Broken, |step| self.play(Some(call), &step))
    }

    /// Of three drawn places the one that was picked least.
    fn choose(&mut self, picks: impl Fn(&Self, usize) -> Option<usize>, size: usize) -> usize {
        let drawn = [self.rng.below(size), self.rng.below(size), self.rng.below(size)];
        drawn.into_iter().min_by_key(|place| picks(self, *place)).unwrap_or_default()
    }

    fn finish(mut self) -> Harvest {
        let sequences = self.interesting.iter().map(|(node, step)| {
            let mut steps = self.chain(*node);
            steps.push(step.clone());
            steps
        });
        self.harvest.interesting = sequences.collect();
        self.harvest
    }
}
