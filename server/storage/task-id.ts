const taskIdPattern = /^[0-9a-f]{32}$/;

/** Whether a string can be the id of a task: the guard before it becomes part of a path. */
export function isTaskId(text: string): boolean {
  return taskIdPattern.test(text);
}
