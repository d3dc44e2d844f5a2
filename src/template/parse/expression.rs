//! Pipelines, commands, operands and constants.

use super::{
    super::{
        ast::{Command, Id, Number, Operand, Pipe, Span, Symbol, Term, Variable},
        fmt::quote,
        lex::{Kind, Token},
        stack,
    },
    MAXIMUM_PARENTHESES, Parser, Parsing, number,
};
use std::borrow::Cow;

impl<'p> Parser<'p> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsing<Id> {
        let position = self.peek().position();
        let mut pipe = Pipe { position, is_assign: false, variables: Span::default(), commands: Span::default() };
        self.declarations(&mut pipe, context)?;
        let outer = self.commands.len();
        loop {
            let token = self.next();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    self.commands.push(command);
                }
                _ => return self.unexpected(token, context),
            }
        }
        self.check_pipeline(outer, context)?;
        let first = self.code.commands.len();
        self.code.commands.extend(self.commands.iter().skip(outer).copied());
        self.commands.truncate(outer);
        pipe.commands = Span::new(first..self.code.commands.len());
        self.code.pipes.push(pipe);
        Ok(Id::last(&self.code.pipes))
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsing<()> {
        let first = self.code.variables.len();
        while self.declaration(pipe, context, first)? {}
        pipe.variables = Span::new(first..self.code.variables.len());
        Ok(())
    }

    /// Reads a variable that is declared or assigned, if there is one here, and tells whether another may follow.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str, first: usize) -> Parsing<bool> {
        let token = self.peek();
        if token.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        let next = self.peek();
        match next.kind {
            Kind::Assign | Kind::Declare => {
                pipe.is_assign = next.kind == Kind::Assign;
                self.next();
                self.declare(token);
                Ok(false)
            }
            Kind::Char if self.written(next) == b"," => {
                self.next();
                self.declare(token);
                if context != "range" || self.code.variables.len() - first > 1 {
                    return self.error(format_args!("too many declarations in {context}"));
                }
                let kind = self.peek().kind;
                if !matches!(kind, Kind::Variable | Kind::RightDelimiter | Kind::RightParen) {
                    return self.error("range can only initialize variables");
                }
                Ok(true)
            }
            _ => {
                self.backup2(token);
                Ok(false)
            }
        }
    }

    fn declare(&mut self, token: Token) {
        let variable = self.variable(token);
        self.scope.variables.push(variable.symbol);
        self.code.variables.push(variable);
    }

    fn variable(&mut self, token: Token) -> Variable {
        let name = self.written(token);
        if name == b"$" {
            return Variable { symbol: Symbol(0), name: token.span };
        }
        let next = Symbol(u32::try_from(self.symbols.len()).unwrap_or(u32::MAX - 1) + 1);
        Variable { symbol: *self.symbols.entry(name).or_insert(next), name: token.span }
    }

    fn check_pipeline(&self, first: usize, context: &str) -> Parsing<()> {
        let commands = self.commands.get(first..).unwrap_or_default();
        if commands.is_empty() {
            return self.error(format_args!("missing value for {context}"));
        }
        for (index, command) in commands.iter().enumerate().skip(1) {
            let first = self.code.operands(command).first().map(|operand| &operand.term);
            if let Some(
                Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Verbatim(_) | Term::String(..),
            ) = first
            {
                return self.error(format_args!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsing<Command> {
        let position = self.peek().position();
        let outer = self.operands.len();
        loop {
            let operand = self.operand()?;
            self.operands.extend(operand);
            let token = self.next();
            match token.kind {
                Kind::RightDelimiter | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                // A space stands in front of another operand.
                _ if operand.is_some() && token.is_spaced() => {
                    self.backup();
                    continue;
                }
                _ => return self.unexpected(token, "operand"),
            }
            break;
        }
        if self.operands.len() == outer {
            return self.error("empty command");
        }
        let first = self.code.operands.len();
        self.code.operands.extend(self.operands.iter().skip(outer).copied());
        self.operands.truncate(outer);
        Ok(Command { position, operands: Span::new(first..self.code.operands.len()) })
    }

    /// A term and the fields behind it, without a space between them.
    fn operand(&mut self) -> Parsing<Option<Operand>> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        let Some(mut fields) = self.field() else {
            return Ok(Some(operand));
        };
        let position = fields.start();
        while let Some(field) = self.field() {
            fields = fields.to(field);
        }
        match &mut operand.term {
            Term::Field(names) | Term::Variable(_, names) => {
                *names = if names.is_empty() { fields } else { names.to(fields) };
                operand.position = position;
                Ok(Some(operand))
            }
            Term::Bool(_) | Term::Verbatim(_) | Term::String(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let term = self.text.get(operand.position.offset()..position.offset()).unwrap_or_default();
                // Go has read no further than the space behind the fields, if there is one, and tells its line.
                let newest = self.tokens[0].space;
                self.error_at(newest, format_args!("unexpected . after term {}", quote(term)))
            }
            Term::Function(..) | Term::Chain(..) | Term::Pipe(_) => {
                self.code.operands.push(operand);
                Ok(Some(Operand { position, term: Term::Chain(Id::last(&self.code.operands), fields) }))
            }
        }
    }

    /// Reads a field that belongs to what is in front of it.
    fn field(&mut self) -> Option<Span> {
        let token = self.peek();
        if token.kind != Kind::Field || token.is_spaced() {
            return None;
        }
        self.next();
        Some(token.span)
    }

    fn term(&mut self) -> Parsing<Option<Operand>> {
        let token = self.next();
        let written = self.written(token);
        let term = match token.kind {
            Kind::Identifier => match self.functions.get(written) {
                Some(function) => Term::Function(*function, token.span),
                None => return self.error(format_args!("function {} not defined", quote(written))),
            },
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                let variable = self.variable(token);
                if !self.scope.variables.contains(&variable.symbol) {
                    return self.error(format_args!("undefined variable {}", quote(written)));
                }
                Term::Variable(variable, Span::default())
            }
            Kind::Field => Term::Field(token.span),
            Kind::Bool => Term::Bool(written == b"true"),
            Kind::CharConstant => self.constant(number::character(written, token.span))?,
            Kind::Complex | Kind::Number => self.constant(number::number(written, token.span))?,
            Kind::LeftParen => Term::Pipe(self.parenthesized()?),
            Kind::String | Kind::RawString => self.string(token)?,
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Operand { position: token.position(), term }))
    }

    fn string(&mut self, token: Token) -> Parsing<Term> {
        Ok(match self.unquote(token)? {
            Cow::Borrowed(_) => Term::Verbatim(token.span.unquoted()),
            Cow::Owned(bytes) => {
                self.code.strings.push(bytes.into());
                Term::String(Id::last(&self.code.strings), token.span)
            }
        })
    }

    fn constant(&mut self, number: Result<Number, String>) -> Parsing<Term> {
        match number {
            Ok(number) => {
                self.code.numbers.push(number);
                Ok(Term::Number(Id::last(&self.code.numbers)))
            }
            Err(message) => self.error(message),
        }
    }

    fn parenthesized(&mut self) -> Parsing<Id> {
        if self.scope.parentheses >= MAXIMUM_PARENTHESES {
            return self.error("max expression depth exceeded");
        }
        self.scope.parentheses += 1;
        let pipe = stack::ensure(|| self.pipeline("parenthesized pipeline", Kind::RightParen));
        self.scope.parentheses -= 1;
        pipe
    }
}
