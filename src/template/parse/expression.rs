//! Pipelines, commands, operands and constants.

use super::{
    super::{
        Error,
        ast::{Command, Id, Number, Operand, Pipe, Position, Span, Symbol, Term, Variable},
        fmt::quote,
        lex::{Kind, Token},
        stack,
    },
    MAXIMUM_PARENTHESES, Parser, number,
};
use std::borrow::Cow;

impl<'p> Parser<'p> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Id, Error> {
        let position = Position::new(self.peek_non_space().position);
        let mut pipe = Pipe { position, is_assign: false, variables: Span::default(), commands: Span::default() };
        self.declarations(&mut pipe, context)?;
        let outer = self.commands.len();
        loop {
            let token = self.next_non_space();
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
        self.code.commands.extend(self.commands.drain(outer..));
        pipe.commands = Span::new(first..self.code.commands.len());
        self.code.pipes.push(pipe);
        Ok(Id::last(&self.code.pipes))
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<(), Error> {
        let first = self.code.variables.len();
        while self.declaration(pipe, context, first)? {}
        pipe.variables = Span::new(first..self.code.variables.len());
        Ok(())
    }

    /// Reads a variable that is declared or assigned, if there is one here, and tells whether another may follow.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str, first: usize) -> Result<bool, Error> {
        let token = self.peek_non_space();
        if token.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        // A space is a token, so that telling `$x foo` from `$x :=` takes three of them.
        let after = self.peek();
        let next = self.peek_non_space();
        match next.kind {
            Kind::Assign | Kind::Declare => {
                pipe.is_assign = next.kind == Kind::Assign;
                self.next_non_space();
                self.declare(token);
                Ok(false)
            }
            Kind::Char if next.text == b"," => {
                self.next_non_space();
                self.declare(token);
                if context != "range" || self.code.variables.len() - first > 1 {
                    return self.error(format_args!("too many declarations in {context}"));
                }
                let kind = self.peek_non_space().kind;
                if !matches!(kind, Kind::Variable | Kind::RightDelimiter | Kind::RightParen) {
                    return self.error("range can only initialize variables");
                }
                Ok(true)
            }
            _ => {
                if after.kind == Kind::Space {
                    self.backup3(token, after);
                } else {
                    self.backup2(token);
                }
                Ok(false)
            }
        }
    }

    fn declare(&mut self, token: Token<'p>) {
        let variable = self.variable(token);
        self.scope.variables.push(variable.symbol);
        self.code.variables.push(variable);
    }

    fn variable(&mut self, token: Token<'p>) -> Variable {
        let name = token.span();
        if token.text == b"$" {
            return Variable { symbol: Symbol(0), name };
        }
        let next = Symbol(u32::try_from(self.symbols.len()).unwrap_or(u32::MAX - 1) + 1);
        let symbol = *self.symbols.entry(token.text).or_insert(next);
        Variable { symbol, name }
    }

    fn check_pipeline(&self, first: usize, context: &str) -> Result<(), Error> {
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

    fn command(&mut self) -> Result<Command, Error> {
        let position = Position::new(self.peek_non_space().position);
        let outer = self.operands.len();
        loop {
            self.peek_non_space();
            let operand = self.operand()?;
            self.operands.extend(operand);
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelimiter | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(token, "operand"),
            }
            break;
        }
        if self.operands.len() == outer {
            return self.error("empty command");
        }
        let first = self.code.operands.len();
        self.code.operands.extend(self.operands.drain(outer..));
        Ok(Command { position, operands: Span::new(first..self.code.operands.len()) })
    }

    /// A term and the fields behind it.
    fn operand(&mut self) -> Result<Option<Operand>, Error> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        let token = self.peek();
        if token.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut fields = token.span();
        while self.peek().kind == Kind::Field {
            fields = fields.to(self.next().span());
        }
        let position = Position::new(token.position);
        match &mut operand.term {
            Term::Field(names) | Term::Variable(_, names) => {
                *names = if names.is_empty() { fields } else { names.to(fields) };
                operand.position = position;
                Ok(Some(operand))
            }
            Term::Bool(_) | Term::Verbatim(_) | Term::String(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let term = self.text.get(operand.position.offset()..token.position).unwrap_or_default();
                self.error(format_args!("unexpected . after term {}", quote(term)))
            }
            Term::Function(..) | Term::Chain(..) | Term::Pipe(_) => {
                self.code.operands.push(operand);
                Ok(Some(Operand { position, term: Term::Chain(Id::last(&self.code.operands), fields) }))
            }
        }
    }

    fn term(&mut self) -> Result<Option<Operand>, Error> {
        let token = self.next_non_space();
        let written = token.span();
        let term = match token.kind {
            Kind::Identifier => match self.functions.get(std::str::from_utf8(token.text).unwrap_or_default()) {
                Some(function) => Term::Function(*function, written),
                None => return self.error(format_args!("function {} not defined", quote(token.text))),
            },
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                let variable = self.variable(token);
                if !self.scope.variables.contains(&variable.symbol) {
                    return self.error(format_args!("undefined variable {}", quote(token.text)));
                }
                Term::Variable(variable, Span::default())
            }
            Kind::Field => Term::Field(written),
            Kind::Bool => Term::Bool(token.text == b"true"),
            Kind::CharConstant => self.constant(number::character(token.text, written))?,
            Kind::Complex | Kind::Number => self.constant(number::number(token.text, written))?,
            Kind::LeftParen => Term::Pipe(self.parenthesized()?),
            Kind::String | Kind::RawString => self.string(token)?,
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Operand { position: Position::new(token.position), term }))
    }

    fn string(&mut self, token: Token<'p>) -> Result<Term, Error> {
        Ok(match self.unquote(token)? {
            Cow::Borrowed(_) => Term::Verbatim(token.span().unquoted()),
            Cow::Owned(bytes) => {
                self.code.strings.push(bytes.into());
                Term::String(Id::last(&self.code.strings), token.span())
            }
        })
    }

    fn constant(&mut self, number: Result<Number, String>) -> Result<Term, Error> {
        match number {
            Ok(number) => {
                self.code.numbers.push(number);
                Ok(Term::Number(Id::last(&self.code.numbers)))
            }
            Err(message) => self.error(message),
        }
    }

    fn parenthesized(&mut self) -> Result<Id, Error> {
        if self.scope.parentheses >= MAXIMUM_PARENTHESES {
            return self.error("max expression depth exceeded");
        }
        self.scope.parentheses += 1;
        let pipe = stack::ensure(|| self.pipeline("parenthesized pipeline", Kind::RightParen));
        self.scope.parentheses -= 1;
        pipe
    }
}
