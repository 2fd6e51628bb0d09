//! Connections to providers. Over HTTP/2 many answers share one, but a provider lets it have only so many at once, and a
//! client opens no second one for the rest: they would wait. So answers are spread over as many clients as are needed.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};

use crate::{ModelError, http1::Http1};

/// Answers that share a connection. Providers let one have a hundred or more, as RFC 9113 (6.5.2) has it.
const SHARED: usize = 64;

type Build = dyn Fn() -> reqwest::Result<reqwest::Client> + Send + Sync;

/// Clients of one kind, each with connections of its own.
#[derive(Clone)]
pub struct Connections {
    build: Arc<Build>,
    clients: Arc<Mutex<Vec<Shared>>>,
    http1: Option<Http1>,
}

/// An answer whose head has come.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: BoxStream<'static, io::Result<Bytes>>,
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
        Ok(Self { build: Arc::new(build), clients: Arc::new(Mutex::new(vec![first])), http1: None })
    }

    /// These, but for servers that speak in the clear, as one's own do: answers of theirs are read over connections that
    /// hold next to nothing. Names are looked up as the system does.
    #[must_use]
    pub fn with_light_http1(self) -> Self {
        Self { http1: Some(Http1::new()), ..self }
    }

    /// Sends what `post` makes with one of the clients.
    pub(crate) async fn send(
        &self,
        post: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<Response, ModelError> {
        let request = post(&self.first()).build().map_err(connection)?;
        if let Some(http1) = self.http1.as_ref().filter(|http1| http1.is_for(request.url())) {
            let sent = http1.send(&request).await;
            let (status, body) = sent.map_err(|error| ModelError::Connection(error.to_string()))?;
            return Ok(Response { status, body: body.boxed() });
        }
        let shared = self.take().map_err(connection)?;
        let response = shared.client.execute(request).await.map_err(connection)?;
        let status = response.status().as_u16();
        let body = response.bytes_stream().map_err(|error| io::Error::other(error.without_url()));
        // Taken as long as the answer comes.
        let body = body.inspect(move |_| _ = &shared);
        Ok(Response { status, body: body.boxed() })
    }

    fn first(&self) -> reqwest::Client {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)[0].client.clone()
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

pub(crate) fn connection(error: reqwest::Error) -> ModelError {
    // `without_url` because a base URL can hold a password.
    ModelError::Connection(error.without_url().to_string())
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
