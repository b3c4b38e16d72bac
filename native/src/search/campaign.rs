//! The loop: take a state that was seen, call something, watch, and keep what is new.

use super::call::{Call, Way};
use super::harvest::{Failure, Gain, Harvest, Suspect, Usage};
use super::machine::{Machine, Place, Ran};
use super::mutation::{Drawer, mutated};
use super::plan::{Clock, Plan, Step};
use super::rng::Rng;
use super::steer::{Executed, Sites, Trial, changed, trials};
use super::values::Values;
use super::views::{View, word};
use super::watch::{JUMPS, PLACES};
use crate::block::Status;
use crate::state::Top;
use revm::context::CfgEnv;
use revm::database_interface::DatabaseRef;
use revm::primitives::{Bytes, U256, hex};
use std::collections::BTreeSet;

/// States that are kept whole.
const STATES: usize = 4096;
/// Kinds of reverts that are told apart, and how much of their data is.
const REVERTS: (usize, usize) = (4096, 200);
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
    properties: Vec<Option<View>>, // none once it is broken from the beginning
    balances: Vec<View>,           // of each account and the puppet, token by token
    nodes: Vec<Node>,
    seeds: Vec<Seed>,
    here: usize,      // the node below
    tail: Vec<Step>,  // and what came after it
    worth: Vec<U256>, // wei of all accounts, then the first token's balances ...
    seen: Vec<u8>,
    sites: Sites,
    pending: Vec<usize>, // seeds with trials
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
        let property = |property: &super::plan::Property| Some(View::new(property.to, property.data.clone()));
        let holders = || plan.accounts.iter().copied().chain(plan.puppet.map(|(puppet, _)| puppet));
        let balance = |token, holder: revm::primitives::Address| {
            View::new(token, [BALANCE_OF.as_slice(), holder.into_word().as_slice()].concat().into())
        };
        let balances = plan.tokens.iter().flat_map(|token| holders().map(move |holder| balance(*token, holder)));
        Self {
            plan,
            machine,
            rng: Rng::new(plan.seed),
            values,
            drawer: Drawer::new(plan),
            properties: plan.properties.iter().map(property).collect(),
            balances: balances.collect(),
            nodes: Vec::new(),
            seeds: Vec::new(),
            here: 0,
            tail: Vec::new(),
            worth: Vec::new(),
            seen: vec![0; PLACES],
            sites: Sites::default(),
            pending: Vec::new(),
            broken: BTreeSet::new(),
            interesting: Vec::new(),
            harvest: Harvest { usage: vec![Usage::default(); plan.functions.len() + 1], ..Harvest::default() },
        }
    }

    /// Look at the beginning, and execute what the caller gave.
    fn begin(&mut self) {
        self.weigh(None);
        for place in 0..self.properties.len() {
            if !self.holds(place) {
                self.suspect(Failure::Property(place), None);
                if let Some(property) = self.properties.get_mut(place) {
                    *property = None;
                }
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
        if !self.seeds.is_empty() && self.rng.percent(70) {
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
        for _ in 0..=self.rng.below(most) {
            let known = if self.rng.percent(30) { self.rng.pick(&self.seeds) } else { None };
            let call = match known {
                Some(seed) => Some(mutated(self.plan, &self.values, &mut self.rng, &self.worth, &seed.call)),
                None => self.drawer.fresh(self.plan, &self.values, &mut self.rng, &self.worth),
            };
            let Some(call) = call else { return };
            if self.send(call) == Came::Broken {
                return;
            }
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

    fn depth(&self) -> usize {
        self.nodes.get(self.here).map_or(0, |node| node.depth) + self.tail.len()
    }

    /// Stand in a state that was seen.
    fn go(&mut self, node: usize) {
        if node != self.here || !self.tail.is_empty() {
            self.go_afresh(node);
        }
    }

    fn go_afresh(&mut self, node: usize) {
        let (mut from, mut steps) = (node, Vec::new());
        while let Some(Node { parent, step, top: None, .. }) = self.nodes.get(from) {
            steps.push(step);
            from = *parent;
        }
        let Some(Node { top: Some(top), clock, worth, .. }) = self.nodes.get(from) else { return };
        self.machine.top().clone_from(top);
        self.machine.clock = *clock;
        self.worth.clone_from(worth);
        for step in steps.into_iter().rev() {
            let ran = self.machine.play(step);
            self.machine.keep(ran);
        }
        if let Some(Node { worth, .. }) = self.nodes.get(node) {
            self.worth.clone_from(worth);
        }
        self.here = node;
        self.tail.clear();
    }

    /// Execute a step, watch it, and keep what it changes unless it fails.
    fn play(&mut self, call: Option<Call>, step: &Step) -> Came {
        self.harvest.calls += 1;
        let ran = self.machine.play(step);
        let function = call.as_ref().map(|call| self.target(call));
        self.count(function, &ran);
        self.learn(&ran);
        let new = self.novel() | self.sites.nearer(&self.machine.watch().compared);
        let mut broken = self.alarmed(&ran, function, step);
        let before = (self.here, self.tail.len());
        let changed = !ran.changes.is_empty();
        if changed {
            let passed = step.wait > 0;
            let changes = ran.changes.clone();
            self.machine.keep(ran);
            self.tail.push(step.clone());
            broken |= self.check(&changes, passed);
            self.weigh(Some(&changes));
        }
        if new && !broken {
            self.save(call, step, before, changed);
        }
        match (broken, changed) {
            (true, _) => Came::Broken,
            (_, true) => Came::Changed,
            _ => Came::Nothing,
        }
    }

    /// What a call counts for: its function, or, at the end, the preparation of one.
    fn target(&self, call: &Call) -> usize {
        if matches!(call.way, Way::Arm(_)) { self.plan.functions.len() } else { call.function }
    }

    fn count(&mut self, function: Option<usize>, ran: &Ran) {
        let Some(function) = function else { return };
        let receipt = &ran.receipt;
        if let Some(usage) = self.harvest.usage.get_mut(function) {
            usage.count(receipt.status == Status::Success, receipt.gas);
        }
        if matches!(receipt.status, Status::Reverted | Status::Halted) {
            let (kinds, longest) = REVERTS;
            let data = receipt.output.slice(..receipt.output.len().min(longest));
            let known = self.harvest.reverts.len();
            match self.harvest.reverts.get_mut(&(function, data.clone())) {
                Some(count) => *count += 1,
                None if known < kinds => drop(self.harvest.reverts.insert((function, data), 1)),
                None => {}
            }
        }
    }

    fn learn(&mut self, ran: &Ran) {
        if ran.receipt.status == Status::Success {
            self.values.saw_all(&ran.receipt.output);
            for log in &ran.receipt.logs {
                log.data.topics().iter().skip(1).for_each(|topic| self.values.saw((*topic).into()));
                self.values.saw_all(&log.data.data);
            }
        }
        self.values.now = ran.clock.now;
    }

    /// Whether the last execution went where none went before.
    fn novel(&mut self) -> bool {
        let mut new = false;
        for (place, class) in self.machine.watch().seen() {
            if let Some(seen) = self.seen.get_mut(place)
                && *seen & class == 0
            {
                self.harvest.edges += usize::from(place < JUMPS && *seen == 0);
                *seen |= class;
                new = true;
            }
        }
        new
    }

    /// Whether an assertion failed.
    fn alarmed(&mut self, ran: &Ran, function: Option<usize>, step: &Step) -> bool {
        let mut failures = Vec::new();
        if let Some((contract, place)) = self.machine.watch().failed {
            failures.push(Failure::Assertion { contract, place, function });
        }
        for log in &ran.receipt.logs {
            if log.data.topics().first().is_some_and(|topic| self.plan.alarms.contains(topic)) {
                failures.push(Failure::Alarm { contract: log.address, message: log.data.data.clone(), function });
            }
        }
        for failure in &failures {
            self.suspect(failure.clone(), Some(step));
        }
        !failures.is_empty()
    }

    /// Whether a property that may have changed is broken.
    fn check(&mut self, changes: &[Place], passed: bool) -> bool {
        let mut broken = false;
        for place in 0..self.properties.len() {
            let asked = self.properties.get(place).and_then(Option::as_ref);
            if asked.is_some_and(|property| property.may_change(changes, passed)) && !self.holds(place) {
                broken = true;
                self.suspect(Failure::Property(place), None);
            }
        }
        broken
    }

    fn holds(&mut self, place: usize) -> bool {
        let Some(Some(view)) = self.properties.get_mut(place) else { return true };
        let boolean = self.plan.properties.get(place).is_some_and(|property| property.boolean);
        let answer = view.ask(&mut self.machine);
        answer.is_some() && (!boolean || word(answer.as_ref()) == U256::ONE)
    }

    /// Note what looks wrong, once; `last` is a step that is not part of the path.
    fn suspect(&mut self, failure: Failure, last: Option<&Step>) {
        if self.broken.insert(failure.clone()) {
            let steps = self.path().into_iter().chain(last.cloned()).collect();
            self.harvest.suspects.push(Suspect { failure, steps });
        }
    }

    /// The steps from the beginning to here.
    fn path(&self) -> Vec<Step> {
        let mut steps = self.chain(self.here);
        steps.extend_from_slice(&self.tail);
        steps
    }

    fn chain(&self, mut node: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        while node > 0
            && let Some(Node { parent, step, .. }) = self.nodes.get(node)
        {
            steps.push(step.clone());
            node = *parent;
        }
        steps.reverse();
        steps
    }

    /// Weigh what everybody holds, where it may have changed; note the best gains.
    fn weigh(&mut self, changes: Option<&[Place]>) {
        let plan = self.plan;
        let puppet = plan.puppet.map(|(puppet, _)| puppet);
        let holders = plan.accounts.len() + usize::from(puppet.is_some());
        let mut worth = std::mem::take(&mut self.worth);
        worth.resize(holders * (1 + plan.tokens.len()), U256::ZERO);
        for (held, holder) in worth.iter_mut().zip(plan.accounts.iter().copied().chain(puppet)) {
            *held = self.machine.account(holder).balance;
        }
        for (held, view) in worth.iter_mut().skip(holders).zip(&mut self.balances) {
            if changes.is_none_or(|changes| view.may_change(changes, true)) {
                *held = word(view.ask(&mut self.machine).as_ref());
            }
        }
        self.worth = worth;
        if changes.is_some() {
            self.compare();
        }
    }

    /// Note gains beyond the best so far; the attacker has what the puppet has.
    fn compare(&mut self) {
        let accounts = self.plan.accounts.len();
        let holders = accounts + usize::from(self.plan.puppet.is_some());
        for asset in 0..=self.plan.tokens.len() {
            for account in 0..accounts {
                let total = |worth: &[U256]| {
                    let held = |holder: usize| worth.get(asset * holders + holder).copied().unwrap_or_default();
                    let puppet = self.plan.puppet.filter(|(_, attacker)| *attacker == account);
                    held(account).saturating_add(puppet.map_or(U256::ZERO, |_| held(accounts)))
                };
                let begun = self.nodes.first().map_or(U256::ZERO, |node| total(&node.worth));
                let amount = total(&self.worth).saturating_sub(begun);
                let best = self.harvest.gains.get(&(account, asset)).map_or(U256::ZERO, |gain| gain.amount);
                if amount > best {
                    self.harvest.gains.insert((account, asset), Gain { amount, steps: self.path() });
                }
            }
        }
    }

    /// Keep the state before a step, the step, and the state after it.
    fn save(&mut self, call: Option<Call>, step: &Step, (here, steps): (usize, usize), changed: bool) {
        let trials = call.as_ref().map(|call| self.trials(call, here, steps)).unwrap_or_default();
        let after = changed.then(|| (self.machine.top().clone(), self.machine.clock, self.worth.clone()));
        let tail: Vec<Step> = self.tail.drain(..).take(steps).collect();
        self.go_again(here, &tail);
        let before = self.here;
        self.interesting.push((before, step.clone()));
        if let Some(call) = call {
            if !trials.is_empty() {
                self.pending.push(self.seeds.len());
            }
            self.seeds.push(Seed { node: before, call, picks: 0, trials });
        }
        if let Some((top, clock, worth)) = after {
            self.machine.top().clone_from(&top);
            (self.machine.clock, self.worth) = (clock, worth);
            self.stand(before, step.clone());
        }
    }

    /// What to try of a call that did something new, `steps` after a node; and the words that it compared are known.
    fn trials(&mut self, call: &Call, node: usize, steps: usize) -> Vec<Trial> {
        let mut path = self.chain(node);
        path.extend(self.tail.iter().take(steps).cloned());
        let before = path.iter().rev().take(BACK).map_while(|step| Call::read(self.plan, step));
        let calls: Vec<Call> = std::iter::once(call.clone()).chain(before).collect();
        let clock = self.machine.ran;
        let watch = std::mem::take(self.machine.watch());
        let executed = Executed { calls: &calls, clock, compared: &watch.compared, hashed: &watch.hashed };
        let mut trials = trials(self.plan, &mut self.sites, &executed);
        for compared in &watch.compared {
            if self.sites.open(compared.site) {
                self.values.saw(compared.left);
                self.values.saw(compared.right);
            }
        }
        *self.machine.watch() = watch;
        trials.reverse();
        trials
    }

    /// Execute steps from a node again, and keep the state that they lead to.
    fn go_again(&mut self, node: usize, steps: &[Step]) {
        if steps.is_empty() {
            self.here = node;
            return;
        }
        self.go_afresh(node);
        for step in steps {
            let ran = self.machine.play(step);
            let changes = ran.changes.clone();
            self.machine.keep(ran);
            self.weigh(Some(&changes));
            self.stand(self.here, step.clone());
        }
    }

    /// Keep the state here, one step after another one.
    fn stand(&mut self, parent: usize, step: Step) {
        let depth = self.nodes.get(parent).map_or(1, |node| node.depth + 1);
        let node = self.node(parent, step, depth);
        self.here = self.nodes.len();
        self.nodes.push(node);
        if let Some(Node { top, .. }) =
            self.here.checked_sub(STATES).filter(|old| *old > 0).and_then(|old| self.nodes.get_mut(old))
        {
            *top = None;
        }
    }

    fn node(&mut self, parent: usize, step: Step, depth: usize) -> Node {
        let (top, clock, worth) = (Some(self.machine.top().clone()), self.machine.clock, self.worth.clone());
        Node { parent, step, depth, clock, top, worth, picks: 0 }
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
