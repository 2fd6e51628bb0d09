//! How often answers are right, and whether the server knows: questions on encyclopaedia paragraphs with their gold
//! answers, over all paragraphs, and over half of the titles, so that half of the questions cannot be answered.

use std::{convert::Infallible, fmt::Write as _, fs, path::Path};

use axum::{
    Json, Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    Bench, Result,
    api::Api,
    fill,
    report::Section,
    server::{Embedding, Server, Setup},
};

/// Questions that are asked at once.
const AT_ONCE: usize = 4;
/// Bins of the calibration error.
const BINS: usize = 10;

#[derive(Deserialize)]
struct Paragraph {
    id: String,
    title: String,
    text: String,
}

#[derive(Deserialize)]
struct Question {
    text: String,
    relevant: Vec<String>,
    #[serde(default)]
    answers: Vec<String>,
}

/// What came of one question.
struct Answered {
    can_be: bool,
    confidence: f64,
    in_first: bool,
    in_whole: bool,
}

struct Set {
    /// Titles in the order of the corpus, each with its paragraphs.
    titles: Vec<(String, Vec<Paragraph>)>,
    questions: Vec<Question>,
}

/// Measures the embedded model, then a written answer by a stand-in that quotes one sentence.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let set = Set::read(&bench.sets.join("squad"), bench.pick(usize::MAX, 60))?;
    let mut section = Section::new("Right answers and honest refusals");
    let all: Vec<usize> = (0..set.titles.len()).collect();
    let every_other: Vec<usize> = all.iter().copied().step_by(2).collect();
    for embedding in [Embedding::Model, Embedding::None] {
        let name = embedding.name();
        let found = ask(bench, &set, &all, embedding, None).await?;
        let share = |right: fn(&Answered) -> bool| {
            found.iter().filter(|answered| right(answered)).count() as f64 / found.len() as f64
        };
        let (first, whole) = (share(|a| a.in_first), share(|a| a.in_whole));
        let half = ask(bench, &set, &every_other, embedding, None).await?;
        if let Embedding::Model = embedding {
            section.at_least("gold answer in the first sentence quoted", 0.77, first, "");
            section.at_least("gold answer in the whole answer", 0.90, whole, "");
            refusals(&mut section, "quoted", &half, true);
        } else {
            section.plain(&format!("gold answer in the first sentence, {name}"), first, "");
            section.plain(&format!("gold answer in the whole answer, {name}"), whole, "");
            refusals(&mut section, &format!("quoted, {name}"), &half, false);
        }
        section.note(format!("{name}: {} questions over all titles, {} over half", found.len(), half.len()));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let writer = listener.local_addr()?;
    let routes = Router::new().route("/v1/chat/completions", post(write));
    let written = tokio::select! {
        found = ask(bench, &set, &every_other, Embedding::Model, Some(writer)) => found?,
        ended = axum::serve(listener, routes) => return Err(format!("the stand-in ended: {ended:?}").into()),
    };
    refusals(&mut section, "written by the stand-in", &written, true);
    Ok(section)
}

impl Set {
    fn read(folder: &Path, most: usize) -> Result<Self> {
        let mut titles: Vec<(String, Vec<Paragraph>)> = Vec::new();
        for paragraph in lines::<Paragraph>(&folder.join("corpus.jsonl"))? {
            match titles.iter_mut().find(|(title, _)| *title == paragraph.title) {
                Some((_, paragraphs)) => paragraphs.push(paragraph),
                None => titles.push((paragraph.title.clone(), vec![paragraph])),
            }
        }
        let mut questions: Vec<Question> = lines(&folder.join("queries.jsonl"))?;
        questions.retain(|question| !question.answers.is_empty());
        questions.truncate(most);
        Ok(Self { titles, questions })
    }

    /// A title's paragraphs as one text.
    fn text(&self, title: usize) -> String {
        let (_, paragraphs) = &self.titles[title];
        paragraphs.iter().fold(String::new(), |mut text, paragraph| {
            let _ = write!(text, "{}\n\n", paragraph.text);
            text
        })
    }
}

fn lines<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str)
        .collect::<std::result::Result<_, _>>()?)
}

/// Fills a workspace with some of the titles, a document each, and asks all questions.
async fn ask(
    bench: &Bench,
    set: &Set,
    titles: &[usize],
    embedding: Embedding,
    llm: Option<std::net::SocketAddr>,
) -> Result<Vec<Answered>> {
    let setup = Setup::new(bench.folder.join("answers"), llm, embedding);
    fill::remove(&setup.data)?;
    let workspace = setup.create_owner(bench).await?;
    let server = Server::start(bench, &setup).await?;
    server.loaded(embedding).await?;
    let api = Api::log_in(&bench.http, &server, &workspace).await?;
    let collection = api.collection().await?;
    let mut documents = Vec::new();
    for &title in titles {
        let name = format!("{}.txt", set.titles[title].0.replace(['/', '\\'], " "));
        documents.push(api.upload(&collection, &name, set.text(title).as_bytes()).await?);
    }
    for document in &documents {
        api.read(document, std::time::Duration::from_secs(1_200)).await?;
    }
    let agent = api.agent(&collection).await?;
    let known: Vec<&str> = titles
        .iter()
        .flat_map(|title| &set.titles[*title].1)
        .map(|paragraph| paragraph.id.as_str())
        .collect();
    let asked = stream::iter(&set.questions).map(|question| {
        let (api, agent, server) = (&api, &agent, &server);
        let can_be = question.relevant.iter().any(|id| known.contains(&id.as_str()));
        async move { Ok(judge(question, can_be, &api.execute(server, agent, &question.text).await?)) }
    });
    let answered: Vec<Result<Answered>> = asked.buffer_unordered(AT_ONCE).collect().await;
    server.stop().await?;
    answered.into_iter().collect()
}

fn judge(question: &Question, can_be: bool, answer: &Value) -> Answered {
    let text = answer["response"].as_str().unwrap_or_default();
    // Each quoted sentence ends with its citation.
    let first = text.split(" [").next().unwrap_or_default();
    let holds = |text: &str| {
        let text = plain(text);
        can_be && question.answers.iter().any(|gold| text.contains(&plain(gold)))
    };
    Answered {
        can_be,
        confidence: answer["confidence"].as_f64().unwrap_or_default(),
        in_first: holds(first),
        in_whole: holds(text),
    }
}

/// Lower case, words apart by one space.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

fn refusals(section: &mut Section, name: &str, answered: &[Answered], goals: bool) {
    let (auc, error) = (area(answered), calibration(answered));
    if goals {
        section.at_least(&format!("area under the ROC, can and cannot be answered, {name}"), 0.90, auc, "");
        section.at_most(&format!("expected calibration error, {name}"), 0.08, error, "");
    } else {
        section.plain(&format!("area under the ROC, can and cannot be answered, {name}"), auc, "");
        section.plain(&format!("expected calibration error, {name}"), error, "");
    }
}

/// The chance that a question that can be answered gets more confidence than one that cannot; ties count half.
fn area(answered: &[Answered]) -> f64 {
    let (can, cannot): (Vec<&Answered>, Vec<&Answered>) = answered.iter().partition(|a| a.can_be);
    let wins: f64 = can
        .iter()
        .flat_map(|a| cannot.iter().map(move |b| a.confidence.total_cmp(&b.confidence)))
        .map(|order| match order {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    wins / (can.len() * cannot.len()).max(1) as f64
}

/// The mean distance of confidence and share of right answers over ten bins, weighted by their size.
fn calibration(answered: &[Answered]) -> f64 {
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    for a in answered {
        let bin = &mut bins[((a.confidence * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + 1.0, bin.1 + a.confidence, bin.2 + f64::from(u8::from(a.in_whole)));
    }
    let distance: f64 = bins.iter().map(|(_, confidence, right)| (confidence - right).abs()).sum();
    distance / answered.len().max(1) as f64
}

/// Quotes the sentence of the first passages that shares most words with the question, as a modest model would.
async fn write(Json(request): Json<Value>) -> Response {
    let messages = request["messages"].as_array().cloned().unwrap_or_default();
    let content =
        |n: usize| messages.get(n).and_then(|message| message["content"].as_str()).unwrap_or_default();
    let (system, question) = (content(0), plain(content(messages.len().saturating_sub(1))));
    let wanted: Vec<&str> = question.split(' ').collect();
    let passages = system.split("<passage>\n").skip(1).filter_map(|part| part.split("\n</passage>").next());
    let sentences = passages.take(3).enumerate().flat_map(|(n, passage)| {
        retrieval::sentences(passage).into_iter().map(move |span| (n + 1, passage[span].trim()))
    });
    let shared = |sentence: &str| {
        let own = plain(sentence);
        wanted.iter().filter(|word| own.split(' ').any(|own| own == **word)).count()
    };
    let best = sentences.max_by_key(|(n, sentence)| (shared(sentence), usize::MAX - n));
    let text = best.map_or_else(|| "I do not know.".to_owned(), |(n, sentence)| format!("{sentence} [{n}]"));
    let chunk = json!({ "choices": [{ "delta": { "content": text } }] });
    let events = [format!("data: {chunk}\n\n"), "data: [DONE]\n\n".to_owned()];
    let body = Body::from_stream(stream::iter(events.map(Ok::<_, Infallible>)));
    ([("content-type", "text/event-stream")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(can_be: bool, confidence: f64, right: bool) -> Answered {
        Answered { can_be, confidence, in_first: right, in_whole: right }
    }

    #[test]
    fn area_and_calibration_are_what_their_formulas_say() {
        let perfect = [answered(true, 0.9, true), answered(true, 0.8, true), answered(false, 0.1, false)];
        assert_eq!(area(&perfect), 1.0);
        assert!((calibration(&perfect) - (0.1 + 0.2 + 0.1) / 3.0).abs() < 1e-12);
        let blind = [answered(true, 0.5, true), answered(false, 0.5, false)];
        assert_eq!((area(&blind), calibration(&blind)), (0.5, 0.0));
    }
}
