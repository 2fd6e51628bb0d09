//! What a door's visitors may cost in a day. As the budget is used up, answers get cheaper, and do not fail: a cheaper
//! model writes them, then they are quotes, which cost nothing but time, and at last visitors are led to a person.

use ::store::Write;
use chrono::{DateTime, Utc};

use super::store;
use crate::{App, Result, Tenant, agents::Published, workspaces::Visitor};

/// What an answer may be made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Means {
    /// The agent's own choice.
    #[default]
    Full,
    /// The model that its makers have named for it, else the last of its chain.
    Economy,
    /// No language model.
    Quotes,
    /// Nothing: the visitor is led to a person.
    Person,
}

impl Means {
    /// The agent's own choice up to four fifths of the budget, a cheaper model to its end, and quotes until it was
    /// used twice.
    fn of(spent: i64, budget: i64) -> Self {
        match () {
            () if spent.saturating_mul(5) < budget.saturating_mul(4) => Self::Full,
            () if spent < budget => Self::Economy,
            () if spent < budget.saturating_mul(2) => Self::Quotes,
            () => Self::Person,
        }
    }
}

/// What the next answer for a door's visitors may be made with, and what it is counted by: nothing where there is no
/// budget. A key's own goes before the agent's, which is for visitors who come without one as well.
///
/// # Errors
/// What the database says.
pub async fn means(app: &App, door: &Visitor, agent: &Published) -> Result<(Means, Option<String>)> {
    let agents = i64::from(agent.settings.visitors.daily_messages);
    let Some(budget) = door.daily_messages.or((agents > 0).then_some(agents)) else {
        return Ok((Means::Full, None));
    };
    let day = day(app.clock.now());
    let spent = store::spent(&mut app.db.read().await?, &door.tenant, &door.counted_as, &day).await?;
    Ok((Means::of(spent, budget), Some(door.counted_as.clone())))
}

/// Counts a question, in the transaction that keeps it.
pub(crate) async fn spend(
    db: &mut Write,
    tenant: &Tenant,
    counted_as: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    store::spend(db, tenant, counted_as, &day(now)).await
}

fn day(now: DateTime<Utc>) -> String {
    now.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_get_cheaper_and_do_not_fail() {
        let of = |spent| Means::of(spent, 100);
        assert_eq!(
            [of(0), of(79), of(80), of(99)],
            [Means::Full, Means::Full, Means::Economy, Means::Economy]
        );
        assert_eq!(
            [of(100), of(199), of(200), of(i64::MAX)],
            [Means::Quotes, Means::Quotes, Means::Person, Means::Person]
        );
        assert_eq!(Means::of(0, 0), Means::Person, "a budget of nothing buys nothing");
    }
}
