//! Builders, a fake clock, sample agreements and the slow reference engine. Development only.
