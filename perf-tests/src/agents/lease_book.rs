//! The shared iterations that the coordinator has given to agents. Each number is given once: those
//! of an agent that is lost are unknown, since it may have made them.

use crate::engine::{Lease, LeaseRequest, LoadShare, MOST_WANTED};
use crate::measure::{PartCounts, Snapshot};
use crate::plan::{IterationLimit, PartPlan, Plan, Schedule, apportion};

#[cfg(test)]
mod tests;

#[derive(Default)]
pub(super) struct LeaseBook {
    /// `None` for parts whose iterations are not shared.
    parts: Vec<Option<PartBook>>,
    active: Vec<bool>,
}

struct PartBook {
    all: u64,
    /// The number of the first iteration that was not given.
    next: u64,
    /// Iterations that were given, but reached an agent only after its load had ended.
    late: u64,
    agents: Vec<AgentLeases>,
}

#[derive(Clone, Copy)]
struct AgentLeases {
    leased: u64,
    /// The block that it wanted last, by which its pace is known.
    wanted: u64,
}

impl LeaseBook {
    pub(super) fn new(plan: &Plan, shares: &[LoadShare]) -> Self {
        let part_book = |part: &PartPlan| match part.schedule {
            Schedule::Vus { iterations: IterationLimit::Shared(all), .. } => {
                let wanted = shares.iter().map(|share| share.vus(part) as u64);
                let agents = wanted.map(|wanted| AgentLeases { leased: 0, wanted }).collect();
                Some(PartBook { all, next: 0, late: 0, agents })
            }
            _ => None,
        };
        Self { parts: plan.parts.iter().map(part_book).collect(), active: vec![true; shares.len()] }
    }

    /// The first leases of each agent: an iteration for each virtual user, as far as there are
    /// enough.
    pub(super) fn first(&mut self) -> Vec<Vec<Lease>> {
        let mut leases = vec![Vec::new(); self.active.len()];
        for (part, book) in self.parts.iter_mut().enumerate() {
            let Some(book) = book else { continue };
            let vus: Vec<_> = book.agents.iter().map(|agent| u128::from(agent.wanted)).collect();
            let all = book.all.min(book.agents.iter().map(|agent| agent.wanted).sum());
            for (agent, count) in apportion(all, &vus).into_iter().enumerate() {
                leases[agent].push(book.give(part, agent, count));
            }
        }
        leases
    }

    /// The leases that an agent gets for its requests. `None` if a request is not valid.
    pub(super) fn grant(&mut self, agent: usize, requests: &[LeaseRequest]) -> Option<Vec<Lease>> {
        let (active, parts) = (&self.active, self.parts.len());
        let grant = |request: &LeaseRequest| {
            let book = self.parts.get_mut(request.part)?.as_mut()?;
            let count = book.size(active, agent, request);
            Some(book.give(request.part, agent, count))
        };
        // An agent asks once for each part.
        if requests.len() <= parts { requests.iter().map(grant).collect() } else { None }
    }

    /// An agent's load has ended, or it is lost: it gets no further lease.
    pub(super) fn retire(&mut self, agent: usize) {
        self.active[agent] = false;
    }

    /// Takes how many iterations of each part had reached an agent when its load ended. Returns
    /// whether they were given to it.
    pub(super) fn settle(&mut self, agent: usize, received: &[u64]) -> bool {
        let leased = self.leased(agent);
        if received.len() != leased.len() || received.iter().zip(&leased).any(|(received, leased)| received > leased) {
            return false;
        }
        for ((book, received), leased) in self.parts.iter_mut().zip(received).zip(leased) {
            book.iter_mut().for_each(|book| book.late += leased - received);
        }
        true
    }

    /// The number of iterations of each part that an agent was given.
    pub(super) fn leased(&self, agent: usize) -> Vec<u64> {
        self.parts.iter().map(|book| book.as_ref().map_or(0, |book| book.agents[agent].leased)).collect()
    }

    /// The number of iterations that were leased to an agent and that it did not begin, by its
    /// final counts. A part counts only if all of its iterations were leased, because otherwise all
    /// agents had work.
    pub(super) fn untaken(&self, counts: &Snapshot) -> u64 {
        let parts = self.parts.iter().zip(&counts.parts);
        let all_given = parts.filter(|(book, _)| book.as_ref().is_some_and(|book| book.next == book.all));
        let untaken = |counts: &PartCounts| {
            let [dropped, refused] = [&counts.dropped, &counts.refused].map(|counts| counts.iter().sum::<u64>());
            dropped.saturating_sub(refused)
        };
        all_given.map(|(_, counts)| untaken(counts)).sum()
    }

    /// Counts iterations that were not leased when the load ended as dropped, as one process does.
    pub(super) fn count_untaken(&self, plan: &Plan, counts: &mut Snapshot) {
        for ((book, part), counts) in self.parts.iter().zip(&plan.parts).zip(&mut counts.parts) {
            let untaken = book.as_ref().map_or(0, |book| book.all - book.next + book.late);
            counts.dropped[part.phases.at(part.end).index()] += untaken;
        }
    }
}

impl PartBook {
    /// The size of an agent's next block. An agent gets half of the iterations that it would make
    /// if all agents continued at their pace, so that they end together.
    fn size(&mut self, active: &[bool], agent: usize, request: &LeaseRequest) -> u64 {
        let wanted = request.wanted.clamp(1, MOST_WANTED);
        self.agents[agent].wanted = wanted;
        let others = self.agents.iter().zip(active).filter(|(_, is_active)| **is_active);
        let all_wanted: u64 = others.map(|(other, _)| other.wanted).sum();
        let left = self.all - self.next;
        let half = u128::from(left) * u128::from(wanted) / (2 * u128::from(all_wanted.max(wanted)));
        // Virtual users that wait get one each, as long as others can get as many.
        let agents = active.iter().filter(|is_active| **is_active).count().max(1) as u64;
        let waiting = request.waiting.min(left.div_ceil(agents));
        wanted.min(u64::try_from(half).unwrap_or(u64::MAX)).max(waiting).max(1).min(left)
    }

    fn give(&mut self, part: usize, agent: usize, count: u64) -> Lease {
        let first = self.next;
        self.next += count;
        self.agents[agent].leased += count;
        Lease { part, first, count }
    }
}
