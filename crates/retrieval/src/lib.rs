//! Retrieval: text to chunks, chunks to terms and vectors, and an index in memory that fuses both.
//!
//! Pure computation: no database, no network. A document is cut by [`chunk`], each chunk is analysed by
//! [`analyse_passage`] and embedded by an [`Embedder`]; an [`Index`] answers a [`Query`] with [`Hit`]s.

mod chunk;
mod embed;
mod grouping;
mod index;
mod lexical;
mod simd;
mod title;
mod varint;

pub use chunk::{Chunk, ChunkOptions, Neighbour, Section, SectionKind, chunk, sentences, with_neighbours};
pub use embed::{DIMENSIONS, Embedder, ModelError, combine, install_model, passages_to_embed};
pub use grouping::{Groups, Middle, SAME_MEANING, Subject, Weighed, subjects};
pub use index::{
    About, ChunkRow, ChunkText, DocumentRows, Explained, Held, Hit, InContext, Index, Mode, Query, Terms,
    Weights,
};
pub use lexical::{DecodeError, QueryTerms, TermVector, analyse_passage, analyse_query, fold};
