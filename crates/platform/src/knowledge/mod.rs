//! What a workspace knows: collections of documents, read, cut into chunks, indexed and searched.

mod collections;
pub mod crawl;
mod documents;
mod embeddings;
mod faq;
mod indexes;
mod ingest;
mod loose;
mod pasted;
mod search;
mod store;
mod uploads;
mod versions;

pub use ::documents::{Section, SectionKind};
pub use collections::{
    Collection, create_collection, delete_collection, edit_collection, get_collection, list_collections,
    summaries,
};
pub use documents::{
    Details, Document, DocumentStatus, Edit, Filter, Preview, delete, edit, get, list, move_to, queue_stale,
    reprocess,
};
pub use embeddings::Embeddings;
pub use indexes::Indexes;
pub(crate) use indexes::{CHANNEL, changed};
pub(crate) use loose::{Loose, search_in};
pub use pasted::{MAX_PASTED, Markup, paste_answer, paste_text};
pub(crate) use search::widen;
pub use search::{Found, Retrieved, retrieve, search};
pub use uploads::{Change, NewDocument, Source, Upload, accept, discard, receive};
pub use versions::{Content, Version, content, restore};

pub(crate) use collections::ids as collection_ids;
pub(crate) use documents::{count_whole, erase};
pub(crate) use ingest::process;
