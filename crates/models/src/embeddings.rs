//! OpenAI's embeddings: <https://platform.openai.com/docs/api-reference/embeddings/create>.

use serde::Deserialize;
use serde_json::json;

use crate::{Connections, Endpoint, ModelError, connections::connection};

/// A server with OpenAI's embeddings API.
#[derive(Clone, Debug)]
pub struct OpenAiEmbeddings {
    endpoint: Endpoint,
    connections: Connections,
}

#[derive(Deserialize)]
struct Response {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

impl OpenAiEmbeddings {
    /// Speaks to an endpoint.
    pub fn new(endpoint: Endpoint, connections: Connections) -> Self {
        Self { endpoint, connections }
    }

    /// The provider's name of the model.
    pub fn model(&self) -> &str {
        &self.endpoint.model
    }

    /// A unit vector for each text, in order.
    ///
    /// # Errors
    /// When the provider fails, is slow, or answers something that does not fit.
    pub async fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        tokio::time::timeout(self.endpoint.total, self.request(texts))
            .await
            .map_err(|_| ModelError::TooSlow(self.endpoint.total))?
    }

    async fn request(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, ModelError> {
        let url = format!("{}/embeddings", self.endpoint.base_url.trim_end_matches('/'));
        let body = json!({ "model": self.endpoint.model, "input": texts, "encoding_format": "float" });
        let shared = self.connections.take().map_err(connection)?;
        let mut post = shared.client.post(url).json(&body);
        if let Some(key) = &self.endpoint.api_key {
            post = post.bearer_auth(key.expose());
        }
        let response = post.send().await.map_err(connection)?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            let message = response.text().await.unwrap_or_default().chars().take(300).collect();
            return Err(ModelError::Status { status, message });
        }
        let mut data = response.json::<Response>().await.map_err(connection)?.data;
        data.sort_by_key(|item| item.index);
        let fits = data.len() == texts.len() && data.iter().all(|item| !item.embedding.is_empty());
        if !fits {
            return Err(ModelError::Protocol("not one vector for each text".into()));
        }
        Ok(data.into_iter().map(|item| unit(item.embedding)).collect())
    }
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}
