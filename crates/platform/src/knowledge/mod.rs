//! What a workspace knows: collections of documents, read, cut into chunks, indexed and searched.

mod collections;
mod documents;
mod embeddings;
mod indexes;
mod ingest;
mod search;
mod store;

pub use collections::{Collection, create_collection, list_collections, summaries};
pub use documents::{
    Details, Document, DocumentStatus, Filter, NewDocument, Preview, Upload, accept, delete, discard, get,
    list, queue_stale, receive, reprocess,
};
pub use embeddings::Embeddings;
pub use indexes::Indexes;
pub(crate) use indexes::{CHANNEL, changed};
pub use search::{Found, Retrieved, retrieve};

pub(crate) use collections::ids as collection_ids;
pub(crate) use documents::erase_all;
pub(crate) use ingest::process;
