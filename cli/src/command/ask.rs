//! Questions on a terminal. Answers are judged as they are typed.

use std::{
    io::{self, IsTerminal as _},
    rc::Rc,
};

use inquire::{
    Autocomplete, CustomUserError, InquireError, Select, Text, autocompletion::Replacement,
    validator::Validation,
};
use serde_json::Value;
use ssf_transmitter::Error;

use super::{Class, Failure, Result};

/// Reads an answer, or says what is wrong with it.
pub(super) type Reader = Rc<dyn Fn(&str) -> Result<Value, String>>;

/// Whether somebody is there to answer.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a text. An optional one may be left empty.
pub(super) fn text(
    name: &str,
    doc: &str,
    required: bool,
    known: &'static [&'static str],
    read: &Reader,
) -> Result<Option<Value>> {
    let help = if required { doc.to_owned() } else { format!("{doc} (Enter: none, or no more)") };
    let judge = read.clone();
    let answer = Text::new(&format!("{name}:"))
        .with_help_message(&help)
        .with_autocomplete(AsTyped { known, read: read.clone() })
        .with_validator(move |text: &str| {
            Ok(match text {
                "" if required => Validation::Invalid("This one is required".into()),
                "" => Validation::Valid,
                text => judge(text).map_or_else(|why| Validation::Invalid(why.into()), |_| Validation::Valid),
            })
        })
        .prompt()
        .map_err(unanswered)?;
    if answer.is_empty() {
        return Ok(None);
    }
    read(&answer).map(Some).map_err(Failure::usage)
}

/// Asks for a text that is needed. What is there already may be changed.
pub(super) fn line(
    name: &str,
    help: &str,
    there: &str,
    judge: impl Fn(&str) -> Result<(), String> + 'static,
) -> Result<String> {
    let read: Reader = Rc::new(move |text| judge(text).map(|()| text.into()));
    let check = read.clone();
    Text::new(&format!("{name}:"))
        .with_help_message(help)
        .with_initial_value(there)
        .with_autocomplete(AsTyped { known: &[], read })
        .with_validator(move |text: &str| {
            Ok(check(text).map_or_else(|why| Validation::Invalid(why.into()), |_| Validation::Valid))
        })
        .prompt()
        .map_err(unanswered)
}

/// Asks for one of these.
pub(super) fn select(name: &str, help: &str, choices: Vec<String>) -> Result<String> {
    Select::new(&format!("{name}:"), choices).with_help_message(help).prompt().map_err(unanswered)
}

/// Below the line that is typed: known values that begin so, or what is wrong with it.
#[derive(Clone)]
struct AsTyped {
    known: &'static [&'static str],
    read: Reader,
}

impl Autocomplete for AsTyped {
    fn get_suggestions(&mut self, input: &str) -> Result<Vec<String>, CustomUserError> {
        let known = self.known.iter().filter(|known| known.starts_with(input));
        let known: Vec<_> = known.map(|known| (*known).to_owned()).collect();
        if input.is_empty() || !known.is_empty() {
            return Ok(known);
        }
        Ok((self.read)(input).err().map(|why| format!("✗ {why}")).into_iter().collect())
    }

    fn get_completion(
        &mut self,
        _input: &str,
        highlighted: Option<String>,
    ) -> Result<Replacement, CustomUserError> {
        Ok(highlighted.filter(|text| self.known.contains(&text.as_str())))
    }
}

/// Any text.
pub(super) fn any() -> Reader {
    Rc::new(|text| Ok(text.into()))
}

/// What is wrong, as it is said below an answer.
pub(super) fn said(error: &Error) -> String {
    error.message().to_owned()
}

fn unanswered(error: InquireError) -> Failure {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            Failure::new(Class::Other, "nothing was written: the questions were left")
        }
        error => Failure::new(Class::Other, format!("the terminal cannot be asked: {error}")),
    }
}
