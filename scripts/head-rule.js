/**
 * The ESLint rule of a file's head: imports come first, and no comment before them. What a file is for is said where it is
 * said of what it exports, or by the README of its folder.
 */
export const headRule = {
  meta: { type: 'suggestion', schema: [] },
  create(context) {
    const { sourceCode } = context;
    const isImport = ({ type }) => type === 'ImportDeclaration';
    return {
      Program({ body }) {
        if (!isImport(body[0] ?? {})) {
          const late = body.find(isImport);
          if (late) context.report({ node: late, message: 'Imports come first.' });
          return;
        }
        const [comment] = sourceCode.getCommentsBefore(body[0]).filter(({ type }) => type !== 'Shebang');
        if (comment)
          context.report({
            loc: comment.loc,
            message: 'A file begins with its imports: say what it is for where it exports it.',
          });
        const others = body.slice(body.findIndex((node) => !isImport(node)));
        const late = body.every(isImport) ? undefined : others.find(isImport);
        if (late) context.report({ node: late, message: 'Imports come first.' });
      },
    };
  },
};
