//! Visitors: a session that is theirs alone, proven by a signed token, by the site that they are on, or by a code
//! mailed to them; how often they may ask, and how much it may cost; what they attach.

mod budget;
mod files;
mod limits;
mod proof;
mod session;
mod sign_in;
mod site;
mod store;
mod visit;

pub(crate) use budget::spend;
pub use budget::{Means, means};
pub use files::{Attached, attach, attached, sweep};
pub(crate) use files::{AttachedText, texts};
pub use limits::{Limits, count_question};
pub use proof::{Challenge, Proof, ProofOfWork};
pub use session::{Begin, Begun, Granted, Session, begin, speaker};
pub use sign_in::{mail_code, redeem_code};
pub use site::{has_secret, renew_secret};
pub use visit::Visit;
