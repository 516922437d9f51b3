//! Functions of JavaScript that return the password of a database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use napi::{
    Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use ssf_bindings::outbox::{Password, PasswordQuestion};

/// Calls a function, and does not keep the event loop alive: the call that waits for the connection does.
type Asker = ThreadsafeFunction<u32, (), u32, Status, false, true>;

/// Asks JavaScript for the passwords of new connections.
#[napi]
pub struct Passwords(Arc<Inner>);

struct Inner {
    ask: Asker,
    questions: Mutex<Questions>,
}

/// Those without an answer, by number.
#[derive(Default)]
struct Questions {
    last: u32,
    open: HashMap<u32, PasswordQuestion>,
}

#[napi]
impl Passwords {
    /// `ask` is called with the number of a question, and answers it later.
    #[napi(constructor)]
    pub fn new(ask: Function<'_, u32, ()>) -> napi::Result<Self> {
        let ask = ask.build_threadsafe_function().weak::<true>().build()?;
        Ok(Self(Arc::new(Inner { ask, questions: Mutex::default() })))
    }

    #[napi]
    pub fn answer(&self, number: u32, password: String) {
        if let Some(question) = self.0.questions().open.remove(&number) {
            question.answer(password);
        }
    }

    /// The function has failed, with this kind of error.
    #[napi]
    pub fn fail(&self, number: u32, what: String) {
        if let Some(question) = self.0.questions().open.remove(&number) {
            question.fail(&what);
        }
    }
}

impl Passwords {
    pub(crate) fn password(&self) -> Password {
        let inner = Arc::clone(&self.0);
        Password::Asked(Arc::new(move |question| inner.ask(question)))
    }
}

impl Inner {
    fn questions(&self) -> MutexGuard<'_, Questions> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, question: PasswordQuestion) {
        let number = {
            let mut questions = self.questions();
            questions.last = questions.last.wrapping_add(1);
            let number = questions.last;
            questions.open.insert(number, question);
            number
        };
        if self.ask.call(number, ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            // The thread of JavaScript has ended.
            self.questions().open.remove(&number);
        }
    }
}
