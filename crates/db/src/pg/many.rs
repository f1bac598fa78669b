//! One statement for many lists of values: together on their way, and rows to insert together in one statement.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use super::types::row;
use super::{Answer, PgConnection, borrowed, wide};
use crate::{DbError, Row, Value};

/// One list of values on its way to the server.
type Request<'a, T> = Pin<Box<dyn Future<Output = Answer<T>> + 'a>>;

/// Lists of values of one statement that travel without waiting for an answer.
const ROWS_IN_FLIGHT: usize = 256;

impl PgConnection {
    /// Runs a statement for each list of values; rows to insert go several in one.
    pub(super) fn run_all(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64, DbError> {
        let Some(first) = rows.first() else { return Ok(0) };
        alike(first, rows)?;
        match wide::Insert::of(sql) {
            Some(insert) => self.insert_many(sql, &insert, rows, first.len()),
            None => self.run_many(sql, rows),
        }
    }

    /// Runs a statement once for each list of values; they travel together.
    fn run_many<R: AsRef<[Value]>>(&mut self, sql: &str, lists: &[R]) -> Result<u64, DbError> {
        let Some(first) = lists.first() else { return Ok(0) };
        let statement = self.prepare_for(sql, first.as_ref().len())?;
        self.dirty = true;
        let client = Arc::clone(&self.client);
        let mut sum = 0;
        for block in lists.chunks(ROWS_IN_FLIGHT) {
            let requests = block
                .iter()
                .map(|list| -> Request<'_, u64> { Box::pin(client.execute_raw(&statement, list.as_ref())) });
            let result = self.send(all(requests.collect()));
            sum += self.forget_stale(sql, result)?.into_iter().sum::<u64>();
        }
        Ok(sum)
    }

    /// Inserts rows in few statements.
    fn insert_many(
        &mut self,
        sql: &str,
        insert: &wide::Insert<'_>,
        rows: &[Vec<Value>],
        parameters: usize,
    ) -> Result<u64, DbError> {
        // As given it says how many values a row has, and is checked like any other.
        self.prepare_for(sql, parameters)?;
        let (mut sum, mut done) = (0, 0);
        let mut blocks = wide::blocks(rows).filter(|block| block.len() > 1).peekable();
        while let Some(block) = blocks.next() {
            let mut lists = vec![block.concat()];
            while let Some(next) = blocks.next_if(|next| next.len() == block.len()) {
                lists.push(next.concat());
            }
            sum += self.run_many(&insert.rows(block.len(), parameters), &lists)?;
            done += block.len() * lists.len();
        }
        // The blocks of one row come last: they are the statement as given, and need no copy.
        Ok(sum + self.run_many(sql, rows.get(done..).unwrap_or_default())?)
    }

    /// Asks a question for each list of values; they travel together.
    pub(super) fn ask_all(&mut self, sql: &str, lists: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, DbError> {
        let Some(first) = lists.first() else { return Ok(Vec::new()) };
        let statement = self.prepare_for(sql, first.len())?;
        alike(first, lists)?;
        self.dirty = true;
        let client = Arc::clone(&self.client);
        let mut found = Vec::with_capacity(lists.len());
        for block in lists.chunks(ROWS_IN_FLIGHT) {
            let (client, statement) = (&client, &statement);
            let requests = block.iter().map(|list| -> Request<'_, Vec<_>> {
                Box::pin(async move { client.query(statement, &borrowed(list)).await })
            });
            let result = self.send(all(requests.collect()));
            for rows in self.forget_stale(sql, result)? {
                found.push(rows.iter().map(row).collect::<Result<_, _>>()?);
            }
        }
        Ok(found)
    }
}

/// All lists of values of one statement are of one length.
fn alike(first: &[Value], lists: &[Vec<Value>]) -> Result<(), DbError> {
    let odd = lists.iter().find(|list| list.len() != first.len());
    odd.map_or(Ok(()), |odd| Err(DbError::Parameters { expected: first.len(), given: odd.len() }))
}

/// Waits for all, started in order, and returns their answers in it; the first error in that order.
async fn all<T>(mut requests: Vec<Request<'_, T>>) -> Answer<Vec<T>> {
    let mut answers: Vec<Option<Answer<T>>> = requests.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut waiting = false;
        for (request, answer) in requests.iter_mut().zip(&mut answers) {
            if answer.is_some() {
                continue;
            }
            match request.as_mut().poll(context) {
                Poll::Ready(done) => *answer = Some(done),
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    answers.into_iter().flatten().collect()
}
