import { isMissing } from '../../engine/files.ts';

/** What a file operation gives. @throws Error that says `otherwise` where there is no such file or folder */
export async function found<T>(operation: Promise<T>, otherwise: string): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if (isMissing(error)) throw new Error(otherwise, { cause: error });
    throw error;
  }
}
