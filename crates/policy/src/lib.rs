//! Agreements as rules, and the one function that decides a disclosure.
