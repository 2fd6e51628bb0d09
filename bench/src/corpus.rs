//! Believable help-centre text, the same on every run, and questions made of its words.

/// What a sentence may say; what stands in braces is filled in.
const SENTENCES: &[&str] = &[
    "You can {action} the {product} within {days} days of delivery, as long as it was bought {way}.",
    "To {action} the {product}, open your account, choose the order and follow the steps on the screen.",
    "A fee of {price} is charged when you {action} the {product} after more than {days} days.",
    "Orders of the {product} that were placed {way} leave our {place} within {days} working days.",
    "If the {part} of your {product} breaks, we replace it free of charge for {days} months.",
    "Replacement parts such as the {part} cost {price} and are sent from our {place}.",
    "Customers who paid {way} get their money back in {days} working days.",
    "The {product} weighs {days} kilograms with its {part} and comes in three colours.",
    "Please do not {action} the {product} in our {place} without calling us first.",
    "Our {place} is open from Monday to Friday, and takes back any {product} that is complete.",
    "Clean the {part} of the {product} with lukewarm water, and never with bleach.",
    "The warranty of the {product} covers the {part} for {days} months, but not wear and tear.",
    "Shipping the {product} to another country costs {price} and takes up to {days} days.",
    "When you {action} more than one {product}, each of them needs a label of its own.",
    "Members save {price} on every {product} that they order {way}.",
    "You will find the serial number under the {part}, beside the date on which the {product} was made.",
    "Write to our {place} if you would like to {action} the {product} but have lost the invoice.",
    "For safety reasons, the {part} must be checked every {days} months by one of our workshops.",
];
const ACTIONS: &[&str] = &[
    "return", "exchange", "repair", "cancel", "register", "insure", "upgrade", "rent", "collect", "store",
    "assemble", "resell", "recycle", "reserve", "ship", "inspect",
];
const PARTS: &[&str] = &[
    "zip",
    "frame",
    "battery",
    "pole",
    "strap",
    "buckle",
    "lining",
    "valve",
    "burner",
    "hinge",
    "charger",
    "cover",
    "sole",
    "handle",
    "pump",
    "filter",
    "display",
    "sensor",
    "canopy",
    "cartridge",
];
const WAYS: &[&str] = &[
    "by invoice",
    "online",
    "by credit card",
    "in a shop",
    "with a gift card",
    "through a reseller",
    "by bank transfer",
    "on a business account",
    "by telephone",
    "during the winter sale",
];
const PLACES: &[&str] = &[
    "warehouse in Rotterdam",
    "shop in Bergen",
    "workshop in Graz",
    "service centre in Leeds",
    "depot in Tallinn",
    "office in Lyon",
    "returns desk in Porto",
    "showroom in Aarhus",
];
const KINDS: &[&str] = &[
    "tent",
    "stove",
    "backpack",
    "sleeping bag",
    "head torch",
    "jacket",
    "water filter",
    "canoe",
    "tracker",
    "rain coat",
    "lantern",
    "cool box",
    "hammock",
    "bike trailer",
    "ski helmet",
    "power bank",
];
const SYLLABLES: &[&str] = &[
    "tun", "dra", "fjor", "vik", "alm", "sko", "gran", "lin", "bre", "nor", "hal", "tor", "mel", "kal",
    "ris", "vin",
];
const QUESTIONS: &[&str] = &[
    "How many days do I have to {action} the {product} that I bought {way}?",
    "What does it cost to {action} a {product} at the {place}?",
    "The {part} of my {product} is broken, can I {action} it?",
    "Does the warranty cover the {part} of the {product}, and for how many months?",
    "Can I {action} the {product} if I paid {way}?",
    "When will the {product} leave the {place} if I order it {way}?",
];
/// Sections of a document, and paragraphs of a section.
const SECTIONS: usize = 60;
const PARAGRAPHS: usize = 4;

/// A document's file name and text: a guide with headings, as Markdown or as plain text.
pub fn document(nth: usize) -> (String, String) {
    let mut random = Random(0xD0C + nth as u64);
    let markdown = nth.is_multiple_of(2);
    let mut text = String::new();
    for _ in 0..SECTIONS {
        let heading = random.fill("How to {action} the {product}");
        text.push_str(&if markdown { format!("## {heading}\n\n") } else { format!("{heading}\n\n") });
        for _ in 0..PARAGRAPHS {
            text.push_str(&paragraph(&mut random));
            text.push_str("\n\n");
        }
    }
    let ending = if markdown { "md" } else { "txt" };
    (format!("guide-{nth:03}.{ending}"), text)
}

/// Some sentences.
pub fn paragraph(random: &mut Random) -> String {
    let sentences: Vec<String> = (0..3 + random.below(4))
        .map(|_| {
            let template = random.one(SENTENCES);
            random.fill(template)
        })
        .collect();
    sentences.join(" ")
}

/// A question that is asked once.
pub fn question(nth: usize) -> String {
    let mut random = Random(0xA5C + nth as u64);
    let template = random.one(QUESTIONS);
    format!("{} {nth}", random.fill(template))
}

/// Numbers that are the same on every run: SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, but without, 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Less than `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one(&mut self, list: &[&'static str]) -> &'static str {
        list[self.below(list.len())]
    }

    /// A vector of length 1 in any direction.
    pub fn vector(&mut self, dimensions: usize) -> Vec<f32> {
        let mut vector: Vec<f32> =
            (0..dimensions).map(|_| (self.unit() + self.unit() - 1.0) as f32).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        vector
    }

    fn fill(&mut self, template: &str) -> String {
        let mut pieces = template.split('{');
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (slot, rest) = piece.split_once('}').unwrap_or((piece, ""));
            text.push_str(&self.slot(slot));
            text.push_str(rest);
        }
        text
    }

    fn slot(&mut self, slot: &str) -> String {
        match slot {
            "action" => self.one(ACTIONS).into(),
            "part" => self.one(PARTS).into(),
            "way" => self.one(WAYS).into(),
            "place" => self.one(PLACES).into(),
            "days" => (2 + self.below(60)).to_string(),
            "price" => format!("{}.{} euros", 3 + self.below(90), 10 + self.below(90)),
            _ => self.product(),
        }
    }

    /// One of some thousand products, such as "Tunvik 4 tent".
    fn product(&mut self) -> String {
        let name = format!("{}{}", self.one(SYLLABLES), self.one(SYLLABLES));
        let (first, rest) = name.split_at(1);
        format!("{}{rest} {} {}", first.to_uppercase(), 1 + self.below(9), self.one(KINDS))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn documents_are_the_same_each_time_and_differ_from_each_other() {
        assert_eq!(document(3), document(3));
        assert_ne!(document(3).1, document(5).1);
        assert!(!document(4).1.contains(['{', '}']));
    }

    #[test]
    fn no_question_is_asked_twice() {
        let questions: HashSet<String> = (0..10_000).map(question).collect();
        assert_eq!(questions.len(), 10_000);
    }
}
