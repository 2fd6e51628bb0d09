//! Connections to providers. Over HTTP/2 many answers share one, but a provider lets it have only so many at once, and a
//! client opens no second one for the rest: they would wait. So answers are spread over as many clients as are needed.

use std::sync::{Arc, Mutex, PoisonError};

/// Answers that share a connection. Providers let one have a hundred or more, as RFC 9113 (6.5.2) has it.
const SHARED: usize = 64;

type Build = dyn Fn() -> reqwest::Result<reqwest::Client> + Send + Sync;

/// Clients of one kind, each with connections of its own.
#[derive(Clone)]
pub struct Connections {
    build: Arc<Build>,
    clients: Arc<Mutex<Vec<Shared>>>,
}

/// A client and who uses it.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) client: reqwest::Client,
    /// Each answer under way holds one more.
    users: Arc<()>,
}

impl Shared {
    fn is_free(&self) -> bool {
        Arc::strong_count(&self.users) <= SHARED
    }
}

impl Connections {
    /// Connections of clients that are built so.
    ///
    /// # Errors
    /// When the first one cannot be built.
    pub fn new(
        build: impl Fn() -> reqwest::Result<reqwest::Client> + Send + Sync + 'static,
    ) -> reqwest::Result<Self> {
        let first = Shared { client: build()?, users: Arc::default() };
        Ok(Self { build: Arc::new(build), clients: Arc::new(Mutex::new(vec![first])) })
    }

    /// A client with room for one more answer; it is taken until what is given here is dropped.
    pub(crate) fn take(&self) -> reqwest::Result<Shared> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = clients.iter().find(|client| client.is_free()) {
            return Ok(free.clone());
        }
        let next = Shared { client: (self.build)()?, users: Arc::default() };
        clients.push(next.clone());
        Ok(next)
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connections(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::connections;

    #[test]
    fn answers_beyond_what_one_connection_may_have_get_another_and_give_it_back() {
        let connections = connections();
        let clients = || connections.clients.lock().unwrap().len();
        let mut taken: Vec<Shared> = (0..SHARED).map(|_| connections.take().unwrap()).collect();
        assert_eq!(clients(), 1);
        taken.extend((0..SHARED).map(|_| connections.take().unwrap()));
        assert_eq!(clients(), 2);
        // The first that has room again is used before another is opened.
        taken.truncate(SHARED / 2);
        taken.extend((0..SHARED + SHARED / 2).map(|_| connections.take().unwrap()));
        assert_eq!(clients(), 2);
        taken.push(connections.take().unwrap());
        assert_eq!(clients(), 3);
    }
}
