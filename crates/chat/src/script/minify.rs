//! Makes the widget's source short: comments and white space go, and variables get short names.
//!
//! Renaming is a bijection: a name that the source declares anywhere gets one short name everywhere, so scopes shadow
//! each other as before. Properties keep their names; where a variable stands for a property of its name (`{ a }`), the
//! property is written out. What the source must do for it: end statements with semicolons, have none that is empty,
//! declare one variable a statement, and call no variable as a global that it uses.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::tokens::{Kind, Token, tokens};

/// Words that are no variables.
const KEYWORDS: [&str; 38] = [
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "default",
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "null",
    "of",
    "return",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "while",
    "yield",
];

/// A short source that does the same.
pub(super) fn minify(source: &str) -> String {
    let tokens = tokens(source);
    let roles = roles(&tokens);
    let names = short_names(&tokens, &roles);
    let mut out = String::with_capacity(source.len() / 2);
    for (i, (token, role)) in tokens.iter().zip(&roles).enumerate() {
        // The end of a block ends its last statement.
        if token.text == ";" && tokens.get(i + 1).is_some_and(|next| next.text == "}") {
            continue;
        }
        if token.apart && i > 0 && must_part(&tokens[i - 1], token) {
            out.push(' ');
        }
        match (role, names.get(token.text)) {
            (Role::Variable, Some(name)) => out.push_str(name),
            (Role::Shorthand, Some(name)) => {
                out.push_str(token.text);
                out.push(':');
                out.push_str(name);
            }
            _ => out.push_str(token.text),
        }
    }
    out
}

/// Whether two tokens would become another one if they touched.
fn must_part(left: &Token, right: &Token) -> bool {
    (left.kind == Kind::Word && right.kind == Kind::Word)
        || (left.text == right.text && matches!(left.text, "+" | "-"))
}

/// What a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A variable.
    Variable,
    /// A variable and the property of its name.
    Shorthand,
    /// A property, a keyword, or no word at all.
    Other,
}

/// What a bracket encloses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// Statements.
    Block,
    /// The properties of an object, or of a pattern that takes one apart.
    Object,
    /// The members of a class.
    Class,
    /// Values: arguments, elements, a template's expression.
    Values,
}

fn roles(tokens: &[Token]) -> Vec<Role> {
    let mut open = vec![Within::Block];
    let mut class_begins = false;
    let mut roles = Vec::with_capacity(tokens.len());
    for (i, token) in tokens.iter().enumerate() {
        let before = i.checked_sub(1).map_or("", |i| tokens[i].text);
        let after = tokens.get(i + 1).map_or("", |token| token.text);
        let within = open.last().copied().unwrap_or(Within::Block);
        roles.push(match token.kind {
            Kind::Word => role(token.text, (before, after), within),
            _ => Role::Other,
        });
        match (token.kind, token.text) {
            (Kind::Word, "class") if before != "." => class_begins = true,
            (Kind::Mark, "{") => {
                open.push(if class_begins { Within::Class } else { enclosed(before) });
                class_begins = false;
            }
            (Kind::Mark, "(" | "[") => open.push(Within::Values),
            (Kind::Mark, ")" | "]" | "}") => drop(open.pop()),
            (Kind::Text, text) => {
                // A template's `}` closes what its `${` opened.
                if text.starts_with('}') {
                    open.pop();
                }
                if text.ends_with("${") {
                    open.push(Within::Values);
                }
            }
            _ => {}
        }
    }
    roles
}

/// What a brace encloses, by what stands before it.
fn enclosed(before: &str) -> Within {
    match before {
        "" | ";" | "{" | "}" | ")" | "=>" | "else" | "try" | "finally" | "catch" | "do" => Within::Block,
        _ => Within::Object,
    }
}

fn role(word: &str, (before, after): (&str, &str), within: Within) -> Role {
    let starts_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
    if starts_with_digit || KEYWORDS.contains(&word) || matches!(before, "." | "?.") {
        return Role::Other;
    }
    match within {
        Within::Class => Role::Other,
        Within::Object if matches!(before, "{" | ",") => match after {
            "," | "}" | "=" => Role::Shorthand,
            _ => Role::Other,
        },
        _ => Role::Variable,
    }
}

/// A short name for each variable that is declared, the shortest for those that are used the most.
fn short_names<'a>(tokens: &[Token<'a>], roles: &[Role]) -> HashMap<&'a str, String> {
    let declared = declared(tokens, roles);
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    let mut taken: HashSet<&str> = KEYWORDS.into_iter().collect();
    for (token, role) in tokens.iter().zip(roles) {
        match role {
            Role::Other => {}
            _ if declared.contains(token.text) => *uses.entry(token.text).or_default() += 1,
            _ => drop(taken.insert(token.text)),
        }
    }
    let mut by_use: Vec<_> = uses.into_iter().collect();
    by_use.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let free = (0..).map(name).filter(|name| !taken.contains(name.as_str()));
    by_use.into_iter().map(|(name, _)| name).zip(free).collect()
}

/// The n-th of all short names: a … Z, then two letters.
fn name(n: usize) -> String {
    const LETTERS: &[u8; 52] = b"etnaoirsclupdhmfgbvywkxjqzETNAOIRSCLUPDHMFGBVYWKXJQZ";
    let last = char::from(LETTERS[n % LETTERS.len()]);
    match n / LETTERS.len() {
        0 => last.to_string(),
        more => name(more - 1) + &last.to_string(),
    }
}

/// The names that the source declares: variables, functions, classes and parameters.
fn declared<'a>(tokens: &[Token<'a>], roles: &[Role]) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    for (i, token) in tokens.iter().enumerate() {
        let pattern = match token.text {
            "const" | "let" => i + 1..pattern_end(tokens, i + 1),
            "class" | "function" if roles[i] == Role::Other => {
                let at = i + 1 + usize::from(tokens.get(i + 1).is_some_and(|token| token.text == "*"));
                at..at + 1
            }
            "(" => match pattern_end(tokens, i) {
                end if takes_parameters(tokens, i, end) => i + 1..end - 1,
                _ => continue,
            },
            _ => continue,
        };
        let bound = pattern.filter(|i| roles.get(*i).is_some_and(|role| *role != Role::Other));
        // What follows an equals sign is a default, not a name.
        names.extend(bound.filter(|i| tokens[i - 1].text != "=").map(|i| tokens[i].text));
    }
    names
}

/// Where a name, or what a bracket here encloses, ends.
fn pattern_end(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(start) {
        match (token.kind, token.text) {
            (Kind::Mark, "(" | "[" | "{") => depth += 1,
            (Kind::Mark, ")" | "]" | "}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// Whether a parenthesis encloses the parameters of a function, a method, an arrow or a catch.
fn takes_parameters(tokens: &[Token], open: usize, end: usize) -> bool {
    let after = tokens.get(end).map_or("", |token| token.text);
    let word = open.checked_sub(1).map(|i| tokens[i]);
    let controls = ["if", "for", "while", "switch", "await"];
    let named = word.is_some_and(|word| word.kind == Kind::Word && !controls.contains(&word.text));
    after == "=>" || (after == "{" && named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_goes_where_nothing_changes() {
        assert_eq!(minify("// x\nfoo ( 1 +  +2 , - 3 ) ;\nreturn  'a b' ;"), "foo(1+ +2,-3);return'a b';");
    }

    #[test]
    fn variables_are_renamed_and_properties_are_not() {
        assert_eq!(
            minify("const first = 1; first.first = { first: first };"),
            "const e=1;e.first={first:e};"
        );
        assert_eq!(minify("const long = {}; go({ long }, long?.long);"), "const e={};go({long:e},e?.long);");
        assert_eq!(
            minify("const { one, two: three = 4 } = x; f(one, three);"),
            "const {one:e,two:t=4}=x;f(e,t);".replace("const {", "const{")
        );
    }

    #[test]
    fn parameters_methods_and_classes() {
        assert_eq!(
            minify("class Big { size(amount) { return this.size(amount); } } new Big();"),
            "class e{size(t){return this.size(t)}}new e();"
        );
        assert_eq!(minify("const f = ({ a, b }, [c]) => a + b + c;").matches("a:").count(), 1);
        assert_eq!(minify("try { go(); } catch (error) { log(error); }"), "try{go()}catch(e){log(e)}");
        assert_eq!(minify("function* each(list) { yield* list; }"), "function*t(e){yield*e}");
    }

    #[test]
    fn templates_hold_variables() {
        assert_eq!(minify("const who = 1; `who ${ who } {who}`;"), "const e=1;`who ${e} {who}`;");
    }

    #[test]
    fn a_global_keeps_its_name_and_no_variable_takes_it() {
        assert_eq!(minify("const window2 = e; t(window2);"), "const n=e;t(n);");
    }

    #[test]
    fn there_are_names_for_all() {
        let names: HashSet<_> = (0..5_000).map(name).collect();
        assert_eq!(names.len(), 5_000);
        assert_eq!((name(0).len(), name(51).len(), name(52).len()), (1, 1, 2));
    }
}
